"""What the node has published, the subject spaces it counts against, and the register it has seen."""

from yanmen.formats.json_canonical import Json
from yanmen.formats.malformed import Malformed
from yanmen.formats.question_slots import Publication, Reading
from yanmen.formats.receipt import Slot
from yanmen.ledger import records, spaces
from yanmen.ledger.connection import Connection
from yanmen.ledger.log import About, Log, Slots
from yanmen.model.catalogue import Dataset, DatasetClass, Grade, Origin, Version
from yanmen.model.receipt import Stage
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused


def publish(db: Connection, log: Log, version: Version, origin: Origin | None = None) -> int:
    """Make `version` the current one of its dataset and return its leaf; what was spent stays spent."""
    dataset = version.dataset
    encoded = _encode(dataset)
    if dataset.grade is Grade.CORE:
        raise Refused(Reason.GRADE_CORE, Detail(subject=dataset.name))
    _check_space(db, dataset)
    columns, unit = tuple(column.name for column in dataset.visible()), dataset.unit()
    reading = Reading(dataset.name, version.version, columns)
    said: Slots = {
        Slot.DATASETS: Publication(reading, "" if unit is None else unit.name).json(),
        Slot.RELEASE: {"class": dataset.cls.value, "grade": dataset.grade.value},
        Slot.SUBJECT: {
            "price_ceiling_fen": dataset.price_ceiling_fen,
            "rows_upto": dataset.rows_upto,
            "space": dataset.subject_space,
            "status": "published",
            **({} if origin is None else {"origin": _origin(origin)}),
        },
    }
    position = log.append(db, Stage.DATASET, said, About()).position
    db.execute(
        "INSERT INTO dataset_version (name, version, dataset, path, plain_bytes, published_ms, leaf, quality, counted)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            dataset.name,
            version.version,
            encoded,
            version.path,
            version.plain_bytes,
            version.published_ms,
            position,
            version.quality,
            int(version.counted),
        ),
    )
    return position


def _origin(origin: Origin) -> Json:
    return {
        "endpoint": origin.endpoint,
        "etag": origin.etag,
        "keyed": origin.keyed,
        "location": origin.location,
        "sha256": origin.sha256,
        "version": origin.version,
    }


def retract(db: Connection, log: Log, name: str) -> int:
    """Withdraw every version of `name` and return the leaf that says so; an older version never comes back."""
    changed = db.execute("UPDATE dataset_version SET retracted = 1 WHERE name = ? AND retracted = 0", (name,))
    if changed.rowcount == 0:
        known = db.execute("SELECT 1 FROM dataset_version WHERE name = ?", (name,)).fetchone()
        raise Refused(Reason.DATASET_RETRACTED if known else Reason.DATASET_UNKNOWN, Detail(subject=name))
    said: Slots = {Slot.SUBJECT: {"dataset": name, "status": "retracted"}}
    return log.append(db, Stage.DATASET, said, About()).position


def current(db: Connection) -> tuple[Version, ...]:
    """Return the newest version of each dataset, by name, leaving out what is retracted."""
    rows = db.execute(
        "SELECT dataset, version, path, plain_bytes, published_ms, retracted, quality, counted"
        " FROM newest_version"
        " WHERE retracted = 0 ORDER BY name"
    )
    return tuple(_version(row) for row in rows)


def listed(db: Connection) -> tuple[Version, ...]:
    """Return every version ever published, oldest first."""
    rows = db.execute(
        "SELECT dataset, version, path, plain_bytes, published_ms, retracted, quality, counted"
        " FROM dataset_version ORDER BY ordinal"
    )
    return tuple(_version(row) for row in rows)


def newest(db: Connection, name: str) -> Version | None:
    """Return the newest version of the dataset `name`, retracted or not, None when there never was one."""
    row = db.execute(
        "SELECT dataset, version, path, plain_bytes, published_ms, retracted, quality, counted"
        " FROM newest_version WHERE name = ?",
        (name,),
    ).fetchone()
    return None if row is None else _version(row)


def require_current(db: Connection, versions: tuple[Version, ...]) -> None:
    """Refuse when one of `versions` is no longer the current one of its dataset."""
    for version in versions:
        name = version.dataset.name
        row = db.execute("SELECT version, retracted FROM newest_version WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise Refused(Reason.DATASET_UNKNOWN, Detail(subject=name))
        if row != (version.version, 0):
            hint = Detail(
                subject=name,
                hint_en="It may have been published again meanwhile: ask again.",
                hint_zh="可能已重新发布，请重新查询。",
            )
            raise Refused(Reason.DATASET_RETRACTED, hint)


def of_version(db: Connection, version: str) -> Version | None:
    """Return the version of this digest, retracted or not."""
    row = db.execute(
        "SELECT dataset, version, path, plain_bytes, published_ms, retracted, quality, counted"
        " FROM dataset_version WHERE version = ?",
        (version,),
    ).fetchone()
    return None if row is None else _version(row)


def require_kept(db: Connection, names: tuple[str, ...]) -> None:
    """Refuse when a version among `names` was retracted; one replaced meanwhile may still be answered from."""
    for name in names:
        row = db.execute("SELECT name FROM dataset_version WHERE version = ? AND retracted = 1", (name,)).fetchone()
        if row is not None:
            raise Refused(Reason.DATASET_RETRACTED, Detail(subject=str(row[0])))


def accept_register(db: Connection, log: Log, space: str, serial: int, digest: str) -> int | None:
    """Note that the register at `serial` is in force; return its leaf, None when it was in force before."""
    row = db.execute("SELECT serial, digest FROM register").fetchone()
    if row == (serial, digest):
        return None
    if row is not None and serial <= row[0]:
        raise Fault(FaultCode.REGISTER, f"register {serial} does not follow register {row[0]}")
    said: Slots = {Slot.SUBJECT: {"register": serial, "sha256": digest, "space": space}}
    position = log.append(db, Stage.MEMBER, said, About()).position
    db.execute(
        "INSERT INTO register (one, serial, digest) VALUES (1, ?, ?)"
        " ON CONFLICT (one) DO UPDATE SET serial = excluded.serial, digest = excluded.digest",
        (serial, digest),
    )
    return position


def _check_space(db: Connection, dataset: Dataset) -> None:
    """Hold a dataset to one subject space: moving it to another would be a fresh budget for the same persons."""
    earlier = newest(db, dataset.name)
    if earlier is not None and earlier.dataset.subject_space not in ("", dataset.subject_space):
        raise Refused(Reason.SPEC_INVALID, Detail(subject="subject_space"))
    if dataset.cls is DatasetClass.PERSONAL and spaces.left(db, dataset.subject_space) is None:
        raise Refused(Reason.SUBJECT_SPACE_UNKNOWN, Detail(subject=dataset.subject_space))


def _encode(dataset: Dataset) -> bytes:
    """Return the row's bytes of `dataset`, which must read back as the same dataset."""
    try:
        encoded = records.encode_dataset(dataset)
        if records.decode_dataset(encoded) != dataset:
            raise Refused(Reason.SPEC_INVALID, Detail(subject=dataset.name))
    except Malformed as error:
        raise Refused(Reason.SPEC_INVALID, Detail(subject=str(error))) from error
    return encoded


def _version(row: tuple[bytes, str, str, int, int, int, str, int]) -> Version:
    dataset, version, path, plain_bytes, published_ms, retracted, quality, counted = row
    try:
        decoded = records.decode_dataset(dataset)
    except Malformed as error:
        raise Fault(FaultCode.STORAGE, "ledger: a published dataset is not readable") from error
    return Version(decoded, version, path, plain_bytes, published_ms, bool(retracted), quality, bool(counted))
