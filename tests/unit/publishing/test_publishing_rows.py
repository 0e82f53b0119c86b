"""Publishing from a PostgreSQL server: again and again, and refused with the column that does not fit."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from yanmen import publishing
from yanmen.crypto import keys
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.execution.jail import JailRunner
from yanmen.formats import connector_id
from yanmen.ledger.genesis import Keeper
from yanmen.ledger.ledger import Ledger
from yanmen.model.catalogue import SubjectSpace
from yanmen.model.config import NodeLimits
from yanmen.model.refusal import Reason, Refused
from yanmen.publishing import Press

from tests.postgresql_server import PostgresqlServer, served
from tests.unit.publishing.test_publishing import NODE, SPEC

SOURCE = '[postgresql]\nconnection = "connection"\ntable = "labs"\nrefresh = "seen"\n'


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    with served() as server:
        yield server


@pytest.fixture
def press(tmp_path: Path) -> Iterator[Press]:
    signer, log_key = (
        keys.generate(tmp_path / "holder", SystemRandomness()),
        keys.generate(tmp_path / "log", SystemRandomness()),
    )
    keeper = Keeper(NODE, signer, log_key, SystemClock(), SystemRandomness())
    runner = JailRunner(tmp_path, b"k" * 32, SystemRandomness(), NodeLimits())
    assert connector_id.check(NODE) == NODE
    with Ledger.open(tmp_path / "ledger.sqlite", keeper, NodeLimits()) as ledger:
        ledger.register_space(SubjectSpace("persons", 5000, 0))
        yield Press(ledger, runner, SystemClock())


def test_a_table_is_published_read_on_and_refused_when_it_no_longer_fits(
    press: Press, server: PostgresqlServer, tmp_path: Path
) -> None:
    source = tmp_path / "source.toml"
    source.write_text(SOURCE)
    (tmp_path / "connection").write_text(server.connection())
    (tmp_path / "connection").chmod(0o600)
    server.run(
        "CREATE TABLE labs (person int, sex text, name text, seen int)",
        "INSERT INTO labs VALUES (1, 'f', 'Canary', 1), (2, 'm', 'Canary', 2), (3, 'm', 'Canary', 3)",
    )
    first = publishing.publish(SPEC.encode(), source, press)
    second = publishing.publish(SPEC.encode(), source, press)
    assert (first.continued, second.continued) == (False, True)
    assert second.version.version != first.version.version
    assert not publishing.publish(SPEC.encode(), source, press, whole=True).continued
    press.ledger.retract("labs")
    assert not publishing.publish(SPEC.encode(), source, press).continued, "what was withdrawn is not built upon"
    draft = publishing.suggest("labs", source, press.runner)
    assert '[columns."seen"]' in draft
    server.run("ALTER TABLE labs ALTER person TYPE text USING 'Canary-' || person")
    with pytest.raises(Refused) as refused:
        publishing.publish(SPEC.encode(), source, press)
    assert refused.value.reason is Reason.SOURCE_MISMATCH
    assert [clause.split(":")[0] for clause in refused.value.detail.clauses] == ["person"]
    assert "Canary" not in str(refused.value.detail)
