"""From a confirmed specification and a file to a dataset in the catalogue, and out of it again.

    suggest: file -> draft with marks      a person confirms every line      publish: specification + file -> version

The file is read by jailed jobs only; this process sees the specification and the snapshot's digest. In the place of the
file, a description of a PostgreSQL source or of an object in a store is taken, which a process of their own reads.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from yanmen.admission import entries
from yanmen.formats import spec, spec_draft
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import Column, Dataset, DatasetClass, Version
from yanmen.model.ports import Clock, Runner
from yanmen.model.receipt import Receipt
from yanmen.model.refusal import Detail, JobCode, JobFailed, Reason, Refused

_INEXACT = (
    "Types agree, values do not fit. More rows than rows_upto, or units than units_upto?"
    " From a server nothing is rounded: change NaN, infinity,"
    " years before 1 or after 9999, more digits than the scale or than 18 in all, in a query.",
    "类型相符而值不符：行数是否超过 rows_upto、个体数是否超过 units_upto？数据库的值不作舍入："
    "NaN、无穷、公元前或 9999 年后的日期、超过 scale 或共 18 位的数，请在查询中处理。",
)


@dataclass(frozen=True, slots=True)
class Press:
    """What publishing works with."""

    ledger: Ledger
    runner: Runner
    clock: Clock


@dataclass(frozen=True, slots=True)
class Published:
    """A version now in force and the receipt of its leaf."""

    version: Version
    receipt: Receipt
    continued: bool
    """Only what came since the version before was read."""
    etag: str = ""
    """The ETag of the object it was made of, if it was one."""


def suggest(name: str, source: Path, runner: Runner) -> str:
    """Return a first specification of the file `source`, in which a person has every line to confirm."""
    if spec.NAME.fullmatch(name) is None:
        hint = Detail(name, hint_en=f"A name matches {spec.NAME.pattern}.", hint_zh="名称不合法。")
        raise Refused(Reason.SPEC_INVALID, hint)
    _check_file(source)
    try:
        return spec_draft.draft(name, runner.inspect(str(source)))
    except JobFailed as failure:
        raise _unreadable(failure) from failure


def publish(text: bytes, source: Path, press: Press, *, whole: bool = False) -> Published:
    """Make `source`, as the specification `text` declares it, the dataset's version in force.

    A source that tells what is new is read on from the version before, unless the `whole` of it is asked for.
    """
    dataset = check(text)
    _check_file(source)
    entries.check_publishable(dataset, press.ledger.negative_lists())
    _check_space(dataset, press.ledger)
    try:
        snapshot = press.runner.publish(str(source), dataset, "" if whole else _before(dataset, press.ledger))
    except JobFailed as failure:
        raise _mismatch(dataset, source, press.runner, failure) from failure
    version = Version(dataset, snapshot.version, snapshot.path, snapshot.plain_bytes, press.clock.now_ms())
    version = replace(version, quality=_quality(dataset, snapshot.quality, press.ledger), counted=dataset.counted())
    receipt = press.ledger.publish(version, snapshot.origin)
    return Published(version, receipt, snapshot.continued, snapshot.etag)


def _quality(dataset: Dataset, found: str, ledger: Ledger) -> str:
    """Return the bands of quality to show: of personal data those found first, under this name, for good.

    A band that moved between two versions would tell of the rows they differ in; one that never moves does not.
    """
    if dataset.cls is not DatasetClass.PERSONAL or not found:
        return found
    known = (version.quality for version in ledger.versions() if version.dataset.name == dataset.name)
    return next((quality for quality in known if quality), found)


def check(text: bytes) -> Dataset:
    """Return the dataset that the specification `text` declares, once a person has confirmed every line."""
    lines = spec.unconfirmed(text)
    if lines:
        raise Refused(
            Reason.SPEC_UNCONFIRMED,
            Detail(
                line=lines[0],
                hint_en="Check each line against what is publicly known, then delete its mark.",
                hint_zh="请逐行核对为公开可知的内容，然后删除该行的标记。",
                clauses=(f"lines {ranges(lines)} 行",),
            ),
        )
    return spec.decode(text)


def ranges(lines: Sequence[int]) -> str:
    """Return ascending line numbers as a person writes them: 3-9, 12."""
    runs: list[list[int]] = []
    for line in lines:
        if runs and line == runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def retract(name: str, ledger: Ledger) -> Receipt:
    """Take the dataset `name` out of the catalogue; questions about it are refused from now on."""
    return ledger.retract(name)


def listed(ledger: Ledger) -> tuple[Version, ...]:
    """Return the newest version of every dataset, those retracted too, by name."""
    newest = {version.dataset.name: version for version in ledger.versions()}
    return tuple(newest[name] for name in sorted(newest))


def show(name: str, ledger: Ledger) -> Version:
    """Return the newest version of the dataset `name`, for its holder's eyes: hidden columns included."""
    version = ledger.version(name)
    if version is None:
        raise Refused(Reason.DATASET_UNKNOWN, Detail(name, hint_en="Not published.", hint_zh="尚未发布。"))
    return version


def _before(dataset: Dataset, ledger: Ledger) -> str:
    """Return the version in force, "" when there is none or it was withdrawn."""
    version = ledger.version(dataset.name)
    return "" if version is None or version.retracted else version.version


def _check_file(source: Path) -> None:
    if not source.is_file():
        hint = Detail(source.name, hint_en="There is no such file.", hint_zh="没有该文件。")
        raise Refused(Reason.SOURCE_MISMATCH, hint)


def _check_space(dataset: Dataset, ledger: Ledger) -> None:
    """Refuse before the file is read what the ledger would refuse after."""
    if dataset.cls is DatasetClass.PERSONAL and ledger.space_left(dataset.subject_space) is None:
        raise Refused(
            Reason.SUBJECT_SPACE_UNKNOWN,
            Detail(
                dataset.subject_space,
                hint_en="Give it a lifetime budget in node.toml first.",
                hint_zh="请先在 node.toml 中设定其终身预算。",
            ),
        )
    earlier = ledger.version(dataset.name)
    if earlier is not None and earlier.dataset.subject_space not in ("", dataset.subject_space):
        raise Refused(
            Reason.SPEC_INVALID,
            Detail(
                "subject_space",
                hint_en="A dataset keeps its subject space: another one would be a fresh budget for the same persons.",
                hint_zh="数据集的主体空间不得更换，否则等于为同一群体重置隐私预算。",
            ),
        )


def _mismatch(dataset: Dataset, source: Path, runner: Runner, failure: JobFailed) -> Refused:
    """Say which declared columns the file does not have, as far as a second jailed look can tell."""
    if failure.code is not JobCode.BAD_SOURCE:
        return _unreadable(failure)
    try:
        found = {column.source_name or column.name: column for column in runner.inspect(str(source), dataset)}
    except JobFailed as second:
        return _unreadable(second)
    differences = tuple(_differences(dataset, found))
    en, zh = ("Every difference is listed.", "差异已逐项列出。") if differences else _INEXACT
    return Refused(Reason.SOURCE_MISMATCH, Detail(dataset.name, hint_en=en, hint_zh=zh, clauses=differences))


def _differences(dataset: Dataset, found: dict[str, Column]) -> Iterator[str]:
    for column in dataset.visible():
        there = found.get(column.source_name or column.name)
        if there is None:
            yield f"{column.name}: not in the file（文件中没有该列）"
        elif there.type is not column.type:
            said, is_ = column.type.value, there.type.value
            yield f"{column.name}: declared {said}, looks like {is_}（声明为 {said}，文件中似为 {is_}）"
        elif there.scale > column.scale:
            said, is_ = str(column.scale), str(there.scale)
            yield f"{column.name}: declared scale {said}, has {is_} decimal places（声明 {said} 位小数，实有 {is_} 位）"


def _unreadable(failure: JobFailed) -> Refused:
    reason = Reason.SOURCE_MISMATCH if failure.code is JobCode.BAD_SOURCE else Reason.RUN_FAILED
    return Refused(
        reason,
        Detail(
            failure.code.value,
            hint_en="Not read within the limits of an import; Parquet, CSV, PostgreSQL and object storage are read.",
            hint_zh="导入任务无法在限额内读取该文件；支持 Parquet、CSV、PostgreSQL 与对象存储。",
        ),
    )
