"""Which options of `yanmen contract request` the fault of its terms is about."""

_OPTIONS = (
    ("count", "--queries-per-day, --queries"),
    ("microRhoPerQuery", "--per-query, --per-query-max, --micro-rho"),
    ("dateTime", "--days"),
)
"""By a word of what is wrong, the options to change."""


def options_of(fault: str) -> str:
    """Return the options whose values the `fault` of terms is about, in brackets; nothing where there are none."""
    found = next((options for words, options in _OPTIONS if words in fault), "")
    return f" ({found})" if found else ""
