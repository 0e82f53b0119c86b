"""Whether a version's snapshot counts the rows of its units is kept with it, and false of all there were before."""

import sqlite3
from dataclasses import replace

from yanmen.ledger import schema

from tests.unit.ledger.scene import Scene, version


def test_it_is_kept(scene: Scene) -> None:
    with scene.open() as ledger:
        scene.furnish(ledger)
        ledger.publish(replace(version("v2"), counted=True))
        assert [found.counted for found in ledger.versions()] == [False, True]
        assert ledger.version("persons") == replace(version("v2"), counted=True)


def test_versions_published_before_are_not_counted() -> None:
    steps = schema.migrations()
    lifted = next(number for number, step in enumerate(steps) if "ADD COLUMN counted" in step)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(connection, steps[:lifted])
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute(
        "INSERT INTO dataset_version (name, version, dataset, path, plain_bytes, published_ms, leaf)"
        " VALUES ('a', 'v', x'00', 'p', 1, 1, 0)"
    )
    schema.migrate(connection, steps)
    assert connection.execute("SELECT counted FROM dataset_version").fetchall() == [(0,)]
    connection.close()
