"""The tables of the wire cover exactly what they are about."""

import io
import subprocess
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import grpc
import pytest
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from grpc_health.v1 import health
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import Channel, ColumnType, DatasetClass, Grade, Role, Sharing
from yanmen.model.contract import ContractStatus
from yanmen.model.receipt import Stage
from yanmen.model.refusal import FaultCode, Reason
from yanmen.wire import authorisation, enums, errors, gate, messages, server
from yanmen.wire.v1 import catalogue_pb2, contract_pb2, log_pb2

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Site

ROOT = Path(__file__).parents[3]


def test_every_reason_has_a_text_and_a_status() -> None:
    assert set(messages.TEXTS) == set(Reason)
    assert set(errors.REASON_STATUS) == set(Reason)
    assert grpc.StatusCode.OK not in errors.REASON_STATUS.values()


def test_every_fault_has_a_status_that_is_a_faults() -> None:
    faults = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert set(errors.FAULT_STATUS) == set(FaultCode)
    assert set(errors.FAULT_STATUS.values()) <= faults


def test_texts_are_whole_sentences_in_their_language() -> None:
    for text in messages.TEXTS.values():
        assert text.en.isascii()
        assert text.en.endswith(".")
        assert text.zh.endswith("。")
        assert any("\u4e00" <= character <= "\u9fff" for character in text.zh)


@pytest.mark.parametrize(
    ("members", "table", "wire"),
    [
        (ColumnType, enums.COLUMN_TYPES, catalogue_pb2.ColumnType),
        (DatasetClass, enums.CLASSES, catalogue_pb2.DatasetClass),
        (Grade, enums.GRADES, catalogue_pb2.Grade),
        (Sharing, enums.SHARINGS, catalogue_pb2.Sharing),
        (Channel, enums.CHANNELS, catalogue_pb2.Channel),
        (ContractStatus, enums.CONTRACT_STATUSES, contract_pb2.ContractStatus),
        (Stage, enums.STAGES, log_pb2.Stage),
    ],
)
def test_every_member_of_an_enumeration_has_its_own_number(
    members: type[Enum], table: dict[Enum, int], wire: EnumTypeWrapper
) -> None:
    assert set(table) == set(members)
    assert sorted(table.values()) == sorted(set(wire.values()) - {0})
    for member, number in table.items():
        assert wire.Name(number).endswith(member.name)
        assert enums.parse(table, number) is member
    for number in (0, 99, -1):
        with pytest.raises(Malformed):
            enums.parse(table, number)


def test_a_hidden_column_has_no_number() -> None:
    assert set(enums.ROLES) == set(Role) - {Role.HIDDEN}


class Recorder:
    """A grpc.Server that only writes down what is registered."""

    def __init__(self) -> None:
        self.methods: set[str] = set()

    def add_generic_rpc_handlers(self, handlers: tuple[Any, ...]) -> None:
        for handler in handlers:
            self.methods |= set(handler._method_handlers)

    def add_registered_method_handlers(self, service: str, handlers: dict[str, object]) -> None:
        self.methods |= {f"/{service}/{name}" for name in handlers}


def test_the_authorisation_table_lists_exactly_the_registered_methods(site: "Site") -> None:
    recorder = Recorder()
    node = server.node_services(site.desk, SystemClock(), SystemRandomness())
    for install in (node, server.aggregator_services(cast("Any", site.desk))):
        server.add_services(cast("Any", recorder), health.HealthServicer(), install)
    assert len(recorder.methods) > 30
    assert recorder.methods == set(authorisation.METHODS)


def test_a_stopping_node_refuses_methods_that_exist() -> None:
    assert set(authorisation.METHODS) > gate.STARTING


def test_generated_code_is_what_the_protos_say() -> None:
    done = subprocess.run([ROOT / "scripts" / "protos", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_server_credentials_do_not_print_the_key() -> None:
    secret = server.Credentials(b"KEY", b"CHAIN", b"CA")
    assert "KEY" not in repr(secret)
    assert "KEY" not in repr(server.Surroundings("", secret, None, None, None, io.StringIO()))  # type: ignore[arg-type]
