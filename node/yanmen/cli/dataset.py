"""`yanmen dataset`: draft, confirm, publish, show and withdraw what a department offers."""

import argparse
from pathlib import Path

from yanmen import enrolment
from yanmen.cli import given
from yanmen.cli.grammar import Parser, command, file, folder, group
from yanmen.cli.output import Result, UsageProblem, next_step
from yanmen.model.catalogue import Column, Dataset, Role

CATALOGUE = "catalogue"


def declare(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the commands of this group."""
    here = group(commands, "dataset", "the catalogue 目录: draft, publish, list, show, retract")
    example = "yanmen dataset suggest health labs labs.parquet > labs.toml"
    suggest = command(here, "suggest", "draft a specification from a file 起草规格", suggested, example)
    folder(suggest, "node", "the node's folder")
    suggest.add_argument("name", metavar="NAME", help="the table's name in SQL")
    file(suggest, "source", "a Parquet or CSV file, read in the sandbox, or a .toml that names a PostgreSQL source")
    suggest.add_argument("--to", type=Path, help="write the draft to this new file instead of printing it")
    publish = command(
        here,
        "publish",
        "publish a confirmed specification 发布",
        published,
        "yanmen dataset publish health labs.toml labs.parquet",
    )
    folder(publish, "node", "the node's folder")
    file(publish, "spec", "the specification, every line confirmed")
    file(
        publish,
        "source",
        "the Parquet or CSV file it describes, or a .toml that names the table or query in PostgreSQL",
    )
    publish.add_argument(
        "--whole", action="store_true", help="read all of a source that else is read on from the last time"
    )
    lists = command(here, "list", "list datasets 列出", listed, "yanmen dataset list --as me --at health")
    where(lists)
    show = command(
        here,
        "show",
        "show one dataset: columns, domains, bounds 查看",
        shown,
        "yanmen dataset show labs --as me --at health",
    )
    show.add_argument("name", metavar="NAME", help="the dataset")
    where(show)
    retract = command(here, "retract", "withdraw a dataset 撤回", retracted, "yanmen dataset retract health labs")
    folder(retract, "node", "the node's folder")
    retract.add_argument("name", metavar="NAME", help="the dataset")


def where(parser: Parser) -> None:
    """Add the options that say which side is looking: a holder in its folder, or a member over the wire."""
    parser.add_argument("--node", type=Path, help="the node's folder (its holder)")
    parser.add_argument("--as", dest="identity", type=Path, help="the member's folder")
    parser.add_argument("--at", help="the node's alias, id or address")


def suggested(arguments: argparse.Namespace) -> Result:
    """Draft a specification; every line derived from data is marked for a person to confirm."""
    from yanmen import publishing
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder, holder.runner_once() as runner:
        draft = publishing.suggest(arguments.name, arguments.source, runner)
    if arguments.to is None:
        return Result(draft.rstrip("\n"), {"spec": draft})
    if arguments.to.exists():
        raise UsageProblem(f"{arguments.to} exists; name a new file")
    arguments.to.write_text(draft, encoding="utf-8")
    text = f"{arguments.to}: check each line marked CONFIRM, delete the mark, fill in what is empty"
    text += next_step("yanmen", "dataset", "publish", arguments.node, arguments.to, arguments.source)
    return Result(text, {"spec": draft, "file": str(arguments.to)})


def published(arguments: argparse.Namespace) -> Result:
    """Publish, and write the signed entry for the space's list."""
    from yanmen import cataloguing, publishing
    from yanmen.admission import entries
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder, holder.runner_once() as runner:
        press = publishing.Press(holder.ledger, runner, holder.clock)
        done = publishing.publish(given.read(arguments.spec), arguments.source, press, whole=arguments.whole)
        dataset = done.version.dataset
        space = _space_folder(Path(holder.config.register))
        _, token = cataloguing.entry(dataset.name, holder)
        reviewed = entries.is_listed(dataset, holder.register.current(), holder.ledger.review)
    target = arguments.node / CATALOGUE / f"{dataset.name}.jws"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(token)
    text = f"{dataset.name} {done.version.version}: published 已发布, receipt 回执 no. {done.receipt.index}"
    text += " (only what is new was read 仅读取新增行)" if done.continued else ""
    text += f"\nobject 对象 etag {done.etag}" if done.etag else ""
    if reviewed:
        text += next_step("yanmen", "space", "list", space, target)
    else:
        note = "the data authority of its level signs it first 须先由本级数据主管部门审核"
        text += next_step("yanmen", "catalogue", "review", "--as", "AUTHORITY", target, "REVIEW.jws", note=note)
    fields = {"dataset": dataset.name, "version": done.version.version, "receipt": done.receipt.index}
    return Result(text, {**fields, "entry": str(target), "continued": done.continued, "etag": done.etag})


def _space_folder(register: Path) -> str:
    """Return the folder of the space operator when it is on this machine, else a word that stands for it."""
    return str(register.parent) if (register.parent / enrolment.SPACE_KEY).is_file() else "SPACE"


def retracted(arguments: argparse.Namespace) -> Result:
    """Withdraw the dataset; questions about it are refused from now on."""
    from yanmen import publishing
    from yanmen.node.holder import open_holder

    with open_holder(arguments.node) as holder:
        receipt = publishing.retract(arguments.name, holder.ledger)
    fields = {"dataset": arguments.name, "receipt": receipt.index}
    return Result(f"{arguments.name}: retracted 已撤回, receipt 回执 no. {receipt.index}", fields)


def listed(arguments: argparse.Namespace) -> Result:
    """List what is offered."""
    versions = _versions(arguments)
    lines = [f"{each.name:16} {each.cls.value:9} {each.title_zh}" for each, _ in versions]
    rows = [{"name": each.name, "class": each.cls.value, "version": version} for each, version in versions]
    hint = ""
    if versions and arguments.node is None:
        side = ("--as", arguments.identity, "--at", arguments.at)
        hint = next_step("yanmen", "dataset", "show", versions[0][0].name, *side)
    return Result(("\n".join(lines) or "nothing is published 尚无数据集") + hint, {"datasets": rows})


def shown(arguments: argparse.Namespace) -> Result:
    """Show one dataset as its catalogue page: nothing here was derived from rows."""
    for dataset, version in _versions(arguments):
        if dataset.name == arguments.name:
            hint = _request(dataset, arguments) if arguments.node is None else ""
            return Result(_page(dataset, version) + hint, _fields(dataset, version))
    raise UsageProblem(f"there is no dataset {arguments.name}; see yanmen dataset list")


def _request(dataset: Dataset, arguments: argparse.Namespace) -> str:
    """Return how a member asks for what is visible here, at the listed price."""
    columns = ",".join(column.name for column in dataset.visible() if column.role is not Role.UNIT)
    words = ("--grant", f"{dataset.name}:{columns}", "--channel", dataset.channels[0].value)
    price = ("--price", dataset.price_ceiling_fen)
    why = ("--scenario", "SCENARIO", "--purpose", "WHY", "--legal-basis", "BASIS")
    who = ("--as", arguments.identity, "--at", arguments.at)
    return next_step("yanmen", "contract", "request", *who, *words, *why, *price)


def _versions(arguments: argparse.Namespace) -> list[tuple[Dataset, str]]:
    if arguments.node is not None:
        from yanmen.node.holder import open_holder

        with open_holder(arguments.node) as holder:
            return [(each.dataset, each.version) for each in holder.ledger.current_versions()]
    if arguments.identity is None or arguments.at is None:
        raise UsageProblem("say --node FOLDER (its holder), or --as MEMBER --at NODE")
    from yanmen.client import connect

    with connect(arguments.at, identity=arguments.identity) as node:
        return [(each.dataset, each.version) for each in node.catalogue()]


def _page(dataset: Dataset, version: str) -> str:
    lines = [f"{dataset.name}  {dataset.title_zh} {dataset.title_en}"]
    lines.append(f"  class {dataset.cls.value}, grade {dataset.grade.value}, owner {dataset.owner}, {version}")
    lines.append(f"  ≤ {dataset.rows_per_unit} rows and {dataset.groups_per_unit} groups of one unit count")
    channels = ", ".join(channel.value for channel in dataset.channels)
    lines.append(f"  channels 渠道 {channels}; price ceiling 上限 {dataset.price_ceiling_fen} fen 分")
    lines += [f"  {_column(column)}" for column in dataset.visible()]
    return "\n".join(lines)


def _column(column: Column) -> str:
    words = [f"{column.name:14} {column.type.value:8} {column.role.value:8}"]
    if column.is_open:
        words.append("{open domain 开放取值域}")
    elif column.domain is not None:
        words.append("{" + ", ".join(map(str, column.domain[:12])) + (", …" if len(column.domain) > 12 else "") + "}")
    if column.lower is not None:
        words.append(f"{column.lower} … {column.upper}")
    words.append(column.title_zh)
    return " ".join(words).rstrip()


def _fields(dataset: Dataset, version: str) -> dict[str, object]:
    columns = [
        {
            "name": column.name,
            "type": column.type.value,
            "role": column.role.value,
            "domain": None if column.domain is None else list(column.domain),
            "lower": column.lower,
            "upper": column.upper,
        }
        for column in dataset.visible()
    ]
    fields = {"name": dataset.name, "version": version, "class": dataset.cls.value}
    offered = {
        "channels": [channel.value for channel in dataset.channels],
        "price_ceiling_fen": dataset.price_ceiling_fen,
    }
    return {**fields, "grade": dataset.grade.value, **offered, "title_zh": dataset.title_zh, "columns": columns}
