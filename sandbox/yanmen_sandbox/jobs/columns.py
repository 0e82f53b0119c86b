"""A declared column as SQL: what counts as given, what takes the declared type, what is kept of it."""

from typing import NamedTuple

from yanmen_sandbox.engine import identifier, literal
from yanmen_sandbox.request import array, integer, text

MISSING = "('', 'NA', 'N/A', 'NULL', 'null', 'NaN', 'nan')"
"""How files write that a number, date or truth value is missing; in text columns these are text."""
BLANKS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""White space of any script, which is not part of a unit's name."""


class DeclaredColumn(NamedTuple):
    """One visible column; `domain`, `lower` and `upper` are None when not declared or, for open data, not applied.

    `length` is the most characters of a text. `exact`: the source has types of its own, so nothing stands for a
    missing value but NULL, and nothing is rounded.
    """

    name: str
    source: str
    kind: str
    role: str
    scale: int
    domain: tuple[object, ...] | None
    lower: str | None
    upper: str | None
    length: int | None = None
    exact: bool = False

    @property
    def named(self) -> bool:
        """Whether it names units by texts, of which each has one form."""
        return self.role == "unit" and self.kind == "text"

    def value(self, types: dict[str, str]) -> str:
        """Write the source's value, NULL when it is missing."""
        raw = identifier(self.source)
        given = types[self.source]
        if self.exact:
            return raw
        if given in {"FLOAT", "DOUBLE"}:
            return f"CASE WHEN NOT isnan({raw}) THEN {raw} END"
        if given == "VARCHAR" and self.kind != "text":
            return f"CASE WHEN trim({raw}) NOT IN {MISSING} THEN {raw} END"
        return raw

    def typed(self, types: dict[str, str]) -> str:
        """Write the value in the declared type, NULL when it is not of that type."""
        value = self._exactly(types) if self.exact else self.value(types)
        match self.kind:
            case "integer":
                return self._integer(value)
            case "decimal":
                # Wider than what is kept, so that a value far out of bounds is clamped and not lost.
                digits = 38 if self.lower is not None else 18
                return f"TRY_CAST({value} AS DECIMAL({digits},{self.scale:d}))"
            case "boolean":
                return f"TRY_CAST({value} AS BOOLEAN)"
            case "date":
                return f"TRY_CAST({value} AS DATE)"
            case "text":
                return f"CAST({value} AS VARCHAR)"
            case _:
                raise ValueError("kind")

    def _exactly(self, types: dict[str, str]) -> str:
        """Write a number that is one, or a text written as its type is with no fraction to be lost; else NULL."""
        value, given = self.value(types), types[self.source]
        if given in {"FLOAT", "DOUBLE"}:
            return f"CASE WHEN isfinite({value}) THEN {value} END"
        if given != "VARCHAR":
            return "NULL" if self.kind == "date" and given != "DATE" else value
        match self.kind:
            case "integer":
                return f"CASE WHEN regexp_full_match({value}, '-?[0-9]+([.]0*)?') THEN split_part({value}, '.', 1) END"
            case "decimal":
                fraction = f"([.][0-9]{{0,{self.scale:d}}}0*)?"
                return f"CASE WHEN regexp_full_match({value}, '-?[0-9]+{fraction}') THEN {value} END"
            case "date":
                day, time = "[0-9]{4}-[0-9]{2}-[0-9]{2}", "( [0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?)?"
                return f"CASE WHEN regexp_full_match({value}, '{day}{time}') THEN left({value}, 10) END"
            case _:
                return value

    def _integer(self, value: str) -> str:
        """Round measures; an id or key with a fraction is no such thing and must not become another's."""
        if self.role == "measure" and not self.exact:
            return f"TRY_CAST({value} AS {'HUGEINT' if self.lower is not None else 'BIGINT'})"
        whole = f"TRY_CAST({value} AS BIGINT)"
        if self.exact:
            return f"CASE WHEN TRY_CAST({whole} AS HUGEINT) = TRY_CAST({value} AS DECIMAL(38,9)) THEN {whole} END"
        return f"CASE WHEN CAST({whole} AS DOUBLE) = TRY_CAST({value} AS DOUBLE) THEN {whole} END"

    def final(self, types: dict[str, str]) -> str:
        """Write what the snapshot keeps: in its domain or NULL, within its bounds; decimals in units of 10^-scale."""
        kept = self._kept(types)
        if self.kind != "decimal":
            return kept
        # In 38 digits the product cannot overflow: the value has at most 18 and the factor 19.
        wide = f"CAST(TRY_CAST({kept} AS DECIMAL(18,{self.scale:d})) AS DECIMAL(38,{self.scale:d}))"
        return f"CAST({wide} * CAST({10**self.scale:d} AS DECIMAL(38,0)) AS BIGINT)"

    def _kept(self, types: dict[str, str]) -> str:
        typed = self.typed(types)
        if self.domain is not None:
            domain = ", ".join(self._literal(cell) for cell in self.domain)
            return f"CASE WHEN {typed} IN ({domain}) THEN {typed} END"
        if self.lower is not None and self.upper is not None:
            kept = f"DECIMAL(18,{self.scale:d})" if self.kind == "decimal" else "BIGINT"
            lower, upper = (f"CAST({literal(bound)} AS {kept})" for bound in (self.lower, self.upper))
            clamped = f"WHEN {typed} < {lower} THEN {lower} WHEN {typed} > {upper} THEN {upper}"
            return f"CASE {clamped} ELSE TRY_CAST({typed} AS {kept}) END"
        if self.named:
            return unit_name(typed)
        return typed if self.length is None else f"CASE WHEN length({typed}) <= {self.length:d} THEN {typed} END"

    def fits(self, types: dict[str, str]) -> str:
        """Write the value where it is as declared before anything is clamped, NULL elsewhere."""
        if self.domain is not None or self.lower is None or self.upper is None:
            return self.final(types)
        typed = self.typed(types)
        lower, upper = (f"CAST({literal(bound)} AS DECIMAL(38,{self.scale:d}))" for bound in (self.lower, self.upper))
        return f"CASE WHEN {typed} BETWEEN {lower} AND {upper} THEN {typed} END"

    def _literal(self, cell: object) -> str:
        match self.kind, cell:
            case "text", str():
                return literal(cell)
            case "integer", int():
                return str(cell)
            case "boolean", bool():
                return "true" if cell else "false"
            case "date", str():
                return f"CAST({literal(cell)} AS DATE)"
            case "decimal", str():
                return f"CAST({literal(cell)} AS DECIMAL(18,{self.scale:d}))"
            case _:
                raise TypeError("domain")


def unit_name(text: str) -> str:
    """Write a text as the one form in which a snapshot has a unit's name: NFC, no blanks around it; NULL if empty."""
    return f"nullif(nfc_normalize(trim({text}, {literal(BLANKS)})), '')"


def read_column(value: object, *, exact: bool = False) -> DeclaredColumn:
    """Read one column of the request."""
    if not isinstance(value, dict):
        raise TypeError("column")
    return DeclaredColumn(
        name=text(value, "name"),
        source=text(value, "source"),
        kind=text(value, "kind"),
        role=text(value, "role"),
        scale=integer(value, "scale"),
        domain=None if value["domain"] is None else tuple(array(value, "domain")),
        lower=None if value["lower"] is None else text(value, "lower"),
        upper=None if value["upper"] is None else text(value, "upper"),
        length=None if value["length"] is None else integer(value, "length"),
        exact=exact,
    )
