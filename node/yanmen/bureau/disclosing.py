"""信息披露: what a bureau publishes of its space as static files, for any web server.

index.html  catalogue.jsonld  entries.json  products.json  disclosure.csv
"""

import csv
import html
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from yanmen.bureau.claims import disputed
from yanmen.bureau.collecting import Collection
from yanmen.formats import dcat, declared, ndi_codes, product
from yanmen.model.governance import Listing
from yanmen.model.operation import Product

HEADINGS = (
    "level 层级",
    "region 行政区划",
    "entry 目录/产品",
    "title 名称",
    "owner 提供方",
    "operator 运营机构",
    "registration 登记号",
    "service 服务能力",
    "grade 分级",
    "sharing 共享属性",
    "price fen 价格（分）",
)
_SERVICES = {"open": "005", "exact": "005", "personal": "005"}
"""表7: every class is answered by analysis, 分析服务; nothing is handed out as a file."""


def publish(made: Collection, folder: Path, title: tuple[str, str]) -> tuple[str, ...]:
    """Write the files into the new folder and return their names."""
    folder.mkdir(parents=True)
    entries, products = made.listed(), made.offered()
    contents = {
        "catalogue.jsonld": _json(dcat.catalogue(title, made.register.space, entries)),
        "entries.json": _json([_entry(each) for each in entries]),
        "products.json": _json([product.encode(each) for each in products]),
        "disclosure.csv": _csv(_rows(made)),
        "index.html": _page(made, title),
    }
    for name, text in contents.items():
        (folder / name).write_text(text, encoding="utf-8")
    return tuple(sorted(contents))


def _entry(entry: Listing) -> Mapping[str, object]:
    return {
        "node": entry.node,
        "version": entry.version,
        "earlier": list(entry.earlier),
        "quality": entry.quality,
        "issued_s": entry.issued_s,
        "declared": declared.encode(entry.dataset),
    }


def _rows(made: Collection) -> list[tuple[str, ...]]:
    """Return one row for each entry and each product: registration facts, operators, prices."""
    rows: list[tuple[str, ...]] = []
    for name, entries in made.levels().items():
        rows += [_entry_row(name, entry) for entry in entries]
    return rows + [_product_row(made, each) for each in made.offered()]


def _entry_row(name: str, entry: Listing) -> tuple[str, ...]:
    said = entry.dataset
    code = _SERVICES[said.cls.value]
    return (
        name,
        said.region,
        said.ndi_id or said.name,
        f"{said.title_zh} {said.title_en}",
        said.owner,
        "",
        said.registration,
        f"{code} 分析服务",
        said.grade.value,
        said.sharing.value,
        f"≤ {said.price_ceiling_fen}",
    )


def _product_row(made: Collection, offered: Product) -> tuple[str, ...]:
    grant = made.grants[offered.operation]
    names = {party.id: party.name for party in made.register.parties}
    return (
        "product 产品",
        "",
        offered.id,
        f"{offered.title_zh} {offered.title_en}",
        names.get(offered.by, offered.by),
        names.get(grant.operator, grant.operator),
        "",
        "002 API服务",
        "",
        "",
        f"{offered.price_fen} ≤ {grant.ceiling_fen}",
    )


def _page(made: Collection, title: tuple[str, str]) -> str:
    zh, en = title
    claims = [
        (claim.by, claim.what, "、".join(each.dataset.owner for each in claim.claimants))
        for claim in disputed(made.listed())
    ]
    parts = [
        f"<h1>{_text(zh)} {_text(en)}</h1>",
        "<p>Nothing here was derived from rows. 本页不含任何由数据行派生的内容。</p>",
        _table("Entries and products 目录与产品", HEADINGS, _rows(made)),
        _table("Claimed by more than one owner 一数多源", ("by 依据", "what 内容", "owners 主张方"), claims),
        _table("Code tables 代码表", ("code", "meaning"), [(c, " ".join(m)) for c, m in ndi_codes.TOPIC.items()]),
    ]
    head = f'<!doctype html><html lang="zh"><meta charset="utf-8"><title>{_text(zh)}</title>'
    policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    style = "<style>td,th{border:1px solid #999;padding:4px}table{border-collapse:collapse}</style>"
    return head + policy + style + "\n".join(parts) + "</html>\n"


def _table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{_text(each)}</th>" for each in headings)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<h2>{_text(caption)}</h2><table><tr>{top}</tr>{body}</table>"


def _csv(rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADINGS)
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return out.getvalue()


def _plain(cell: str) -> str:
    """Keep a cell from being read as a formula by a spreadsheet."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@"} else cell


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _text(value: str) -> str:
    return html.escape(value)
