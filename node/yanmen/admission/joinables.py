"""What other nodes state of their tables, as the consumer brings it: signed by them, to this consumer, not long ago."""

from collections.abc import Iterator

from yanmen.crypto import manifests
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import joinable
from yanmen.formats.joinable import Statement
from yanmen.formats.malformed import Malformed
from yanmen.model.catalogue import Version
from yanmen.model.federation import Invited, SignedManifest
from yanmen.model.joining import SIDES_MAX, Joinable
from yanmen.model.party import Register
from yanmen.model.refusal import Detail, Reason, Refused
from yanmen.model.stages import Submission

LIFE_S = 3600
"""A statement is as fresh as the manifest it is used under."""


def read(
    submission: Submission, signed: SignedManifest | None, register: Register, node_id: str
) -> tuple[Joinable, ...]:
    """Return the tables of other nodes that `submission` may join."""
    if len(submission.joinables) >= SIDES_MAX:
        raise _refused("more statements than a join has other sides")
    found: list[Joinable] = []
    for token in submission.joinables:
        try:
            statement = manifests.read_statement(token, register)
        except (Malformed, BadSignature) as error:
            raise _refused(str(error)) from error
        _check(statement, submission, signed, node_id)
        found += _stated(statement, register)
    return tuple(found)


def _check(statement: Statement, submission: Submission, signed: SignedManifest | None, node_id: str) -> None:
    now_s = submission.received_ms // 1000
    if statement.node == node_id or statement.consumer != submission.peer.id:
        raise _refused(f"{statement.node}: stated to another consumer, or by this node")
    if abs(now_s - statement.issued_s) > LIFE_S:
        raise _refused(f"{statement.node}: its statement is too old")
    asked = Invited(statement.node, statement.contract_id)
    if signed is not None and signed.manifest.asks(statement.node) != asked:
        raise _refused(f"{statement.node}: not asked under the contract it states its tables of")


def _stated(statement: Statement, register: Register) -> Iterator[Joinable]:
    party = register.find(statement.node)
    for dataset in statement.datasets:
        sha256 = joinable.digest(dataset)
        version = Version(dataset, f"stated {statement.node} {sha256}", "", 0, statement.issued_s * 1000)
        yield Joinable(statement.node, "" if party is None else party.alias, version, sha256, statement.envelope_key)


def _refused(why: str) -> Refused:
    return Refused(
        Reason.MANIFEST_INVALID,
        Detail(
            subject=why,
            hint_en="Ask the other nodes again what they state of their tables: yanmen join does.",
            hint_zh="请重新向其他节点获取其数据表说明（yanmen join 会自动完成）。",
        ),
    )
