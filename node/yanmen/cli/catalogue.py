"""`yanmen catalogue`: entries reviewed and recorded, negative lists, search in 中文 and English, export as DCAT."""

import argparse
import json
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from yanmen.admission import forbidden
from yanmen.cli import given
from yanmen.cli.dataset import where
from yanmen.cli.grammar import Parser, command, file, folder, group, whole
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.crypto import governance
from yanmen.crypto.signatures import BadSignature
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats import catalogue_search, dcat, declared, jws, listing, ndi_id, negative_list
from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import Dataset
from yanmen.model.governance import Listing, NegativeList, Review, level
from yanmen.model.party import PartyRole, PartyStatus

if TYPE_CHECKING:
    from yanmen.client.identity import Identity


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "catalogue", "the catalogue 目录: review, negative lists, search, export")
    _declare_authorities(here)
    example = "yanmen catalogue record health review.jws"
    recorded = command(here, "record", "record a review or a negative list at the node 登记", record, example)
    folder(recorded, "node", "the node's folder")
    file(recorded, "document", "what the authority signed")
    example = "yanmen catalogue entry health labs labs.jws"
    made = command(here, "entry", "sign the entry of a dataset anew 目录条目", entry, example)
    folder(made, "node", "the node's folder")
    made.add_argument("name", metavar="NAME", help="the dataset")
    made.add_argument("target", type=Path, metavar="FILE", help="a new file for the signed entry")
    example = "yanmen catalogue search 医疗费用 --as me --at health"
    searched = command(here, "search", "find datasets by words in 中文 or English 检索", search, example)
    searched.add_argument("words", nargs="+", metavar="WORD", help="all must occur; a Chinese phrase needs no spaces")
    where(searched)
    example = "yanmen catalogue export --as me --at health catalogue.jsonld"
    exported = command(here, "export", "write the catalogue as DCAT in JSON-LD 导出", export, example)
    where(exported)
    exported.add_argument("target", type=Path, metavar="FILE", help="a new file")
    example = "yanmen catalogue number --kind resource --subject 11140000MB0GTTTT0X --region 1400"
    numbered = command(here, "number", "make an NDI id for a specification 标识", number, example)
    numbered.add_argument("--kind", choices=tuple(ndi_id.KINDS), required=True, help="resource 资源 or product 产品")
    numbered.add_argument("--subject", required=True, help="18-character credit code 统一社会信用代码")
    numbered.add_argument("--region", required=True, help="first four digits of GB/T 2260")


def _declare_authorities(here: "argparse._SubParsersAction[Parser]") -> None:
    example = "yanmen catalogue review --as bureau health/catalogue/labs.jws review.jws --text 著录规范"
    reviewed = command(here, "review", "sign whether an entry is listed 目录审核", review, example)
    _authority(reviewed)
    file(reviewed, "entry", "the entry that its node signed")
    reviewed.add_argument("target", type=Path, metavar="FILE", help="a new file for the signed review")
    reviewed.add_argument("--text", default="", help="in words; needed with --refused")
    reviewed.add_argument("--refused", action="store_true", help="it is not listed 不予通过")
    example = "yanmen catalogue forbid --as bureau negative.toml negative.jws --serial 1"
    forbidden = command(here, "forbid", "sign a negative list 负面清单", forbid, example)
    _authority(forbidden)
    file(forbidden, "items", "TOML: [[item]] with id, text, basis, and words, scenarios, channels")
    forbidden.add_argument("target", type=Path, metavar="FILE", help="a new file for the signed list")
    forbidden.add_argument("--serial", type=whole, required=True, help="above that of the list it replaces")


def _authority(parser: Parser) -> None:
    parser.add_argument("--as", dest="identity", type=Path, required=True, help="the data authority's folder")


def review(arguments: argparse.Namespace) -> Result:
    """Sign a review of an entry whose own signature holds."""
    from yanmen.client.identity import Identity

    who = Identity.load(arguments.identity)
    found = _listing(arguments.entry, who)
    dataset, passed = found.dataset, not arguments.refused
    said = Review(
        who.id,
        found.node,
        dataset.name,
        declared.digest(dataset),
        passed,
        arguments.text,
        SystemClock().now_ms() // 1000,
    )
    try:
        token = governance.sign_review(said, who.signer)
    except Malformed as error:
        raise UsageProblem(str(error)) from error
    write(arguments.target, token)
    verdict = "passed 通过" if passed else "refused 不予通过"
    text = f"{dataset.name} ({level(dataset.region)} {dataset.region}): {verdict} -> {arguments.target}"
    text += next_step("yanmen", "catalogue", "record", "NODE", arguments.target)
    return Result(text, {"dataset": dataset.name, "passed": passed, "declared_sha256": said.declared_sha256})


def forbid(arguments: argparse.Namespace) -> Result:
    """Sign a negative list."""
    from yanmen.client.identity import Identity

    who = Identity.load(arguments.identity)
    party = who.register.find(who.id)
    try:
        data = tomllib.loads(given.read(arguments.items).decode("utf-8"))
        read = data.pop("item", [])
        if data or not isinstance(read, list) or not all(isinstance(each, dict) for each in read):
            raise Malformed("write [[item]] sections and nothing else")
        blank: dict[str, Json] = {"words": [], "scenarios": [], "channels": []}
        items = tuple(negative_list.decode_item({**blank, **each}) for each in read)
        forbidden.check_items(items)
        region = "" if party is None else party.region
        said = NegativeList(who.id, region, arguments.serial, items, SystemClock().now_ms() // 1000)
        token = governance.sign_negative_list(said, who.signer)
    except (Malformed, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{arguments.items}: {error}") from error
    write(arguments.target, token)
    text = f"{len(items)} items 条 -> {arguments.target}"
    text += next_step("yanmen", "catalogue", "record", "NODE", arguments.target)
    return Result(text, {"items": len(items), "serial": arguments.serial})


def record(arguments: argparse.Namespace) -> Result:
    """Record what an authority signed; which document it is, its own type says."""
    from yanmen import cataloguing
    from yanmen.node.holder import open_holder

    token = given.read(arguments.document)
    is_list = _typ(token) == negative_list.TYP
    with open_holder(arguments.node) as holder:
        if is_list:
            receipt, found = cataloguing.record_negative_list(token, holder)
            text = f"negative list 负面清单 no. {found.serial}"
            fields: dict[str, object] = {"serial": found.serial}
        else:
            receipt, said = cataloguing.record_review(token, holder)
            verdict = "listed 已列入目录" if said.passed else "not listed 未列入目录"
            text, fields = f"{said.dataset}: {verdict}", {"dataset": said.dataset, "passed": said.passed}
    return Result(f"{text}, receipt 回执 no. {receipt.index}", {**fields, "receipt": receipt.index})


def entry(arguments: argparse.Namespace) -> Result:
    """Sign the entry of a dataset in force."""
    from yanmen import cataloguing
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        made, token = cataloguing.entry(arguments.name, holder)
    write(arguments.target, token)
    fields = {"dataset": arguments.name, "version": made.version, "declared_sha256": declared.digest(made.dataset)}
    return Result(f"{arguments.name} {made.version} -> {arguments.target}", fields)


def search(arguments: argparse.Namespace) -> Result:
    """Print what fits, best first."""
    entries = ((each.dataset, each) for each in _listings(arguments))
    found = catalogue_search.search(" ".join(arguments.words), entries)
    lines = [_line(each.dataset) for each in found]
    rows = [{"name": each.dataset.name, "node": each.node, "version": each.version} for each in found]
    return Result("\n".join(lines) or "nothing fits 没有符合的条目", {"datasets": rows})


def export(arguments: argparse.Namespace) -> Result:
    """Write the catalogue as one JSON-LD document."""
    listings = _listings(arguments)
    publisher = listings[0].node if listings else "none"
    document = dcat.catalogue(("可信数据空间节点目录", "Catalogue of a trusted data space node"), publisher, listings)
    write(arguments.target, (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode("utf-8"))
    fields = {"datasets": len(listings), "file": str(arguments.target)}
    return Result(f"{len(listings)} entries 条 -> {arguments.target}", fields)


def number(arguments: argparse.Namespace) -> Result:
    """Make an id; the specification keeps it over all versions."""
    made = ndi_id.build(arguments.kind, arguments.subject, arguments.region, SystemRandomness())
    return Result(made, {"ndi_id": made})


def _line(dataset: Dataset) -> str:
    return f"{dataset.name:16} {dataset.title_zh} {dataset.title_en}  [{dataset.owner}, {dataset.region}]"


def _typ(token: bytes) -> str:
    try:
        return jws.split(token, listing.BYTES_MAX).typ
    except Malformed as error:
        raise UsageProblem(f"not a signed document: {error}") from error


def _listing(path: Path, who: "Identity") -> Listing:
    token = given.read(path, listing.BYTES_MAX)
    try:
        node = who.register.find(listing.claimed_node(token))
        if node is None or node.role is not PartyRole.NODE or node.status is not PartyStatus.ACTIVE:
            raise BadSignature("the register lists no such active node")
        return governance.open_listing(token, node.signing_key)
    except (Malformed, BadSignature) as error:
        raise UsageProblem(f"{path} is not an entry that its node signed: {error}") from error


def _listings(arguments: argparse.Namespace) -> tuple[Listing, ...]:
    """Return what is listed, from the holder's own folder or over the wire."""
    if arguments.node is not None:
        from yanmen import cataloguing
        from yanmen.node.holder import open_holder

        with open_holder(arguments.node) as holder:
            return tuple(cataloguing.entry(name, holder)[0] for name in cataloguing.listed(holder))
    if arguments.identity is None or arguments.at is None:
        raise UsageProblem("say --node FOLDER (its holder), or --as MEMBER --at NODE")
    from yanmen.client import connect

    with connect(arguments.at, identity=arguments.identity) as node:
        return tuple(
            Listing(node.party.id, each.dataset, each.version, (), each.quality, each.published_ms // 1000)
            for each in node.catalogue()
        )


def write(path: Path, data: bytes) -> None:
    """Write a new file; one that exists is left as it is."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError as error:
        raise UsageProblem(f"{path} exists; name a new file 该文件已存在") from error
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
