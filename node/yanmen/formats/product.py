"""A product (数据产品) as the payload of a JWS: an approved template, its parameters and reviews, and what fits it.

A question is an instance of a product when it is the template's very text with one literal for each `{name}`. Nothing
of SQL is understood here: the pieces between are compared as text, a literal is digits or a text from a closed list.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from yanmen.formats import connector_id, ndi_id
from yanmen.formats.json_canonical import Json
from yanmen.formats.json_members import exact, flag, integer, items, text, texts
from yanmen.formats.malformed import Malformed
from yanmen.formats.operation import ID
from yanmen.model.catalogue import ColumnType
from yanmen.model.operation import Parameter, Product, ProductReview, ReviewKind

TYP = "yanmen-product+jws"
BYTES_MAX = 64 * 1024
SQL_MAX = 8 * 1024
PARAMETERS_MAX = 16
VALUES_MAX = 1_000
VALUE_MAX = 100
TEXT_MAX = 2000
_PLACE = re.compile(r"\{([a-z][a-z0-9_]{0,30})\}")
_MODEL = re.compile(r"\b(?:regr_\w+|corr|covar_\w+)\s*\(", re.IGNORECASE)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,9})?", re.ASCII)
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_PRODUCT = frozenset(
    {
        *("by", "decided_by", "fits_model", "iat", "id", "operation", "parameters", "price_fen", "reviews", "sql"),
        *("title_en", "title_zh", "withdrawn"),
    }
)
_PARAMETER = frozenset({"lower", "name", "type", "upper", "values"})
_REVIEW = frozenset({"by", "kind", "text"})
# A negative number stands in parentheses: after a minus sign of the template it would begin a comment.
_LITERAL: Mapping[ColumnType, str] = {
    ColumnType.INTEGER: r"([0-9]{1,18}|\(-[0-9]{1,18}\))",
    ColumnType.DECIMAL: r"([0-9]{1,18}(?:\.[0-9]{1,9})?|\(-[0-9]{1,18}(?:\.[0-9]{1,9})?\))",
    ColumnType.TEXT: r"('(?:[^']|''){0,200}')",
    ColumnType.DATE: r"(DATE '[0-9]{4}-[0-9]{2}-[0-9]{2}')",
    ColumnType.BOOLEAN: r"(TRUE|FALSE)",
}


def encode(product: Product) -> dict[str, Json]:
    """Return the payload of `product`; one that `decode` would refuse is refused here."""
    payload: dict[str, Json] = {
        "by": product.by,
        "decided_by": product.decided_by,
        "fits_model": product.fits_model,
        "iat": product.issued_s,
        "id": product.id,
        "operation": product.operation,
        "parameters": [
            {
                "lower": each.lower,
                "name": each.name,
                "type": each.type.value,
                "upper": each.upper,
                "values": list(each.values),
            }
            for each in product.parameters
        ],
        "price_fen": product.price_fen,
        "reviews": [{"by": each.by, "kind": each.kind.value, "text": each.text} for each in product.reviews],
        "sql": product.sql,
        "title_en": product.title_en,
        "title_zh": product.title_zh,
        "withdrawn": product.withdrawn,
    }
    decode(payload)
    return payload


def decode(payload: Json) -> Product:
    """Return the product in a payload: reviewed as it must be, its template and its parameters of one mind."""
    members = exact(payload, _PRODUCT)
    product = Product(
        id=text(members, "id", 65),
        by=connector_id.check(text(members, "by", connector_id.LENGTH)),
        operation=text(members, "operation", 32),
        title_zh=text(members, "title_zh", 300),
        title_en=text(members, "title_en", 300),
        sql=text(members, "sql", SQL_MAX),
        parameters=tuple(parameter(each) for each in items(members, "parameters", PARAMETERS_MAX)),
        price_fen=integer(members, "price_fen"),
        fits_model=flag(members, "fits_model"),
        reviews=tuple(_review(each) for each in items(members, "reviews", len(ReviewKind))),
        decided_by=text(members, "decided_by", 200),
        issued_s=integer(members, "iat"),
        withdrawn=flag(members, "withdrawn"),
    )
    _check(product)
    return product


def parameter(value: Json) -> Parameter:
    """Return one parameter: values from a closed list, or a number within bounds."""
    members = exact(value, _PARAMETER)
    kind = next((each for each in ColumnType if each.value == members["type"]), None)
    if kind is None:
        raise Malformed("product: unknown type of a parameter")
    made = Parameter(
        text(members, "name", 31),
        kind,
        texts(members, "values", VALUES_MAX, VALUE_MAX),
        text(members, "lower", 30),
        text(members, "upper", 30),
    )
    _check_parameter(made)
    return made


def _check_parameter(made: Parameter) -> None:
    bounded = bool(made.lower or made.upper)
    if bounded:
        pattern = {ColumnType.INTEGER: _WHOLE, ColumnType.DECIMAL: _NUMBER}.get(made.type)
        if pattern is None or not (pattern.fullmatch(made.lower) and pattern.fullmatch(made.upper)):
            raise Malformed("product: bounds are two numbers, of a number")
        if Decimal(made.lower) > Decimal(made.upper):
            raise Malformed("product: bounds out of order")
    if bounded is bool(made.values) or len(set(made.values)) != len(made.values):
        raise Malformed("product: a parameter has a list of values, or bounds")
    if any(_written(made.type, value) is None for value in made.values):
        raise Malformed("product: a value is not of its parameter's type")


def _written(kind: ColumnType, value: str) -> str | None:
    """Return the literal of a listed value, None when it is none of its type."""
    match kind:
        case ColumnType.INTEGER:
            return _signed(value) if _WHOLE.fullmatch(value) else None
        case ColumnType.DECIMAL:
            return _signed(value) if _NUMBER.fullmatch(value) else None
        case ColumnType.DATE:
            return f"DATE '{value}'" if _DAY.fullmatch(value) else None
        case ColumnType.BOOLEAN:
            return value.upper() if value in {"true", "false"} else None
        case ColumnType.TEXT:
            return "'" + value.replace("'", "''") + "'" if value.isprintable() else None


def _signed(number: str) -> str:
    return f"({number})" if number.startswith("-") else number


def _review(value: Json) -> ProductReview:
    members = exact(value, _REVIEW)
    kind = next((each for each in ReviewKind if each.value == members["kind"]), None)
    review = None if kind is None else ProductReview(kind, text(members, "by", 200), text(members, "text", TEXT_MAX))
    if review is None or not review.by.strip() or not review.text.strip():
        raise Malformed("product: a review says of which kind it is, by whom, and what was found")
    return review


def _check(product: Product) -> None:
    if not ndi_id.is_valid(product.id, "6") or ID.fullmatch(product.operation) is None:
        raise Malformed("product: not an NDI product id under a grant of operation")
    names = [each.name for each in product.parameters]
    places = _PLACE.findall(product.sql)
    if len(set(names)) != len(names) or set(places) != set(names):
        raise Malformed("product: the template's {names} and its parameters are not the same")
    if not product.sql.strip() or "{" in _PLACE.sub("", product.sql) or "}" in _PLACE.sub("", product.sql):
        raise Malformed("product: a template is a question with {names} and no other braces")
    if not product.title_zh.strip() or not product.title_en.strip() or not product.decided_by.strip():
        raise Malformed("product: say its titles and who decided")
    _check_reviews(product)


def _check_reviews(product: Product) -> None:
    kinds = [each.kind for each in product.reviews]
    if len(set(kinds)) != len(kinds) or ReviewKind.COMPLIANCE not in kinds:
        raise Malformed("product: no 合规审查, or one kind of review twice")
    if fits_model(product.sql) and not product.fits_model:
        raise Malformed("product: this template fits a model; say so")
    if product.fits_model and ReviewKind.ALGORITHM not in kinds:
        raise Malformed("product: a template that fits a model takes an 算法审查")
    if any(each.by.strip() == product.decided_by.strip() for each in product.reviews):
        raise Malformed("product: who decides does not review")


def fits_model(sql: str) -> bool:
    """Say whether a template fits a model: it correlates or regresses."""
    return _MODEL.search(sql) is not None


def fits(product: Product, sql: str) -> bool:
    """Say whether `sql` is an instance of the product."""
    found = _pattern(product).fullmatch(sql)
    if found is None:
        return False
    given: dict[str, str] = {}
    by_name = {each.name: each for each in product.parameters}
    for name, literal in zip(_PLACE.findall(product.sql), found.groups(), strict=True):
        if given.setdefault(name, literal) != literal or not _admitted(by_name[name], literal):
            return False
    return True


def render(product: Product, values: Mapping[str, str]) -> str:
    """Return the question that is the product with these values, each as text; `Malformed` when one is not admitted."""
    by_name = {each.name: each for each in product.parameters}
    if set(values) != set(by_name):
        raise Malformed(f"product: give {', '.join(sorted(by_name)) or 'no parameter'}")

    def literal(found: re.Match[str]) -> str:
        name = found[1]
        written = _written(by_name[name].type, values[name])
        if written is None or not _admitted(by_name[name], written):
            raise Malformed(f"product: {name} may not be {values[name]!r}")
        return written

    return _PLACE.sub(literal, product.sql)


def _admitted(parameter_: Parameter, literal: str) -> bool:
    if parameter_.values:
        return any(_written(parameter_.type, value) == literal for value in parameter_.values)
    number = Decimal(literal.strip("()"))
    return Decimal(parameter_.lower) <= number <= Decimal(parameter_.upper)


@lru_cache(maxsize=256)
def _pattern(product: Product) -> re.Pattern[str]:
    types = {each.name: each.type for each in product.parameters}
    pieces, last = [], 0
    for found in _PLACE.finditer(product.sql):
        pieces += [re.escape(product.sql[last : found.start()]), _LITERAL[types[found[1]]]]
        last = found.end()
    return re.compile("".join([*pieces, re.escape(product.sql[last:])]))
