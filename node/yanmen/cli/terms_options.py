"""Which options of `yanmen contract request`, or names after `--set`, the fault of terms is about."""

import difflib

from yanmen.formats.contract_constraints import kind_of, names

_OPTIONS = (
    ("count", "--queries-per-day, --queries"),
    ("microRhoPerQuery", "--per-query, --per-query-max, --micro-rho"),
    ("dateTime", "--days"),
)
"""By a word of what is wrong, the options to change."""
_SET = (
    ("count", "--set queries_per_day=… --set queries=…"),
    ("microRhoPerQuery", "--set micro_rho_per_query=… --set micro_rho_per_query_max=… --set micro_rho=…"),
    ("dateTime", "--until"),
)
"""The same, of terms that are changed."""


def options_of(fault: str) -> str:
    """Return the options whose values the `fault` of terms is about, in brackets; nothing where there are none."""
    return _bracketed(next((options for words, options in _OPTIONS if words in fault), ""))


def changes_of(fault: str) -> str:
    """Return, in brackets, what to change together in terms of which the `fault` is told."""
    return _bracketed(next((options for words, options in _SET if words in fault), ""))


def settable() -> tuple[str, ...]:
    """Return the names that `--set` takes."""
    return tuple(kind.field for kind in (kind_of(*each) for each in names()) if kind.numeric)


def unsettable(name: str) -> str:
    """Say that `--set` takes no such name, which ones it takes, and which of them is nearest."""
    near = difflib.get_close_matches(name, settable(), 1)
    meant = f"; did you mean {near[0]}? 是否指 {near[0]}？" if near else ""
    return f"{name!r} is no clause with a number{meant}; there are 可用: {', '.join(settable())}"


def _bracketed(options: str) -> str:
    return f" ({options})" if options else ""
