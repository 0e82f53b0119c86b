"""A served node's interfaces over HTTPS: the same members, roles, contracts and log as over gRPC."""

import hashlib
import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yanmen
from yanmen.client import negotiating
from yanmen.client.identity import Identity
from yanmen.client.link import Link
from yanmen.crypto import agreements, documents, keys
from yanmen.crypto.system import SystemClock
from yanmen.formats import base64url, contract_number, dataspace, dataspace_offer
from yanmen.formats.acknowledgement import Acknowledgement, sd_hash
from yanmen.model.catalogue import Channel
from yanmen.model.config import Interfaces
from yanmen.model.contract import Grant, Round, Scenario, Terms
from yanmen.model.negotiation import ActKind
from yanmen.model.usage_control import Rules

from tests.system.town import CANARY, SUBJECT, Town, done, run
from tests.vectors.dataspace_schemas import problems
from tests.vectors.interface_messages import REFUSED_SCENES, Talk, scenes

URL = "https://clinic.example:7444"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Serve a town that answers JSON too."""
    town = Town(tmp_path_factory.mktemp("interfaces"))
    town.build()
    town.configure(https=Interfaces("127.0.0.1:0", URL))
    town.serve()
    yield town
    if town.process is not None:
        town.stop()


def context(folder: Path) -> ssl.SSLContext:
    """Return what the member in `folder` connects with."""
    found = ssl.create_default_context(cafile=folder / "ca.crt")
    found.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    return found


def call(town: Town, verb: str, path: str, said: object = None, member: str = "alice") -> tuple[int, Any]:
    """Call an interface as a member."""
    host, _, port = (town.node / "serving.https").read_text().strip().rpartition(":")
    client = http.client.HTTPSConnection(host, int(port), timeout=60, context=context(town.root / member))
    body = None if said is None else json.dumps(said).encode()
    client.request(verb, path, body, {"Content-Type": "application/json"} if body else {})
    response = client.getresponse()
    return response.status, json.loads(response.read())


def test_a_served_node_shows_its_catalogue(served: Town) -> None:
    request = {"@context": [dataspace.CONTEXT], "@type": "CatalogRequestMessage"}
    status, said = call(served, "POST", f"{dataspace.BASE}/catalog/request", request)
    assert status == 200
    assert problems("catalog/catalog-schema.json", said) == []
    [entry] = said["dataset"]
    assert call(served, "GET", f"{dataspace.BASE}/catalog/datasets/{entry['@id']}")[0] == 200
    assert said["service"][0]["endpointURL"] == URL + dataspace.BASE
    assert CANARY not in json.dumps(said)


def terms(town: Town, name: str, rules: Rules = Rules()) -> Terms:  # noqa: B008 - frozen
    """Return terms that the town's owner's rule approves."""
    alice = Identity.load(town.root / "alice")
    holder = next(party for party in alice.register.parties if party.alias == "clinic")
    now_ms = SystemClock().now_ms() // 1000 * 1000
    return Terms(
        id=hashlib.sha256(f"{name}{now_ms}".encode()).hexdigest()[:32],
        holder=holder.id,
        consumer=alice.id,
        channel=Channel.SHARING,
        scenario=Scenario("s-1", "test", "test"),
        grants=(Grant("visits", ("cost", "id", "ward")),),
        min_group=10,
        micro_rho=100_000,
        micro_rho_per_query=1_000,
        micro_rho_per_query_max=10_000,
        delta_e12=0,
        queries=10_000,
        queries_per_day=10_000,
        not_before_ms=now_ms - 60_000,
        not_after_ms=now_ms + 30 * 86_400_000,
        price_per_query_fen=100,
        regulator_discloses=(),
        retention_days=30,
        rules=rules,
    )


def talk(town: Town, agreed: Terms) -> Talk:
    """Return what alice says about a contract that she signs."""
    return Talk(agreed, documents.sign_offer(agreed, Identity.load(town.root / "alice").signer), "visits")


@pytest.mark.parametrize("name", scenes(()))
def test_the_scenes_of_the_standard_are_signed_or_refused_with_what_cannot_be_held(served: Town, name: str) -> None:
    said = talk(served, terms(served, name, scenes(("cost", "ward"))[name]))
    status, created = call(served, "POST", "/contractCreate", said.create())
    if name in REFUSED_SCENES:
        assert (status, created["creationFlag"]) == (400, "1")
        assert created["error"]["reason"] == "CLAUSE_NOT_ENFORCEABLE"
        assert created["error"]["clauses"]
        return
    assert (status, created["creationFlag"], created["contractStatus"]) == (200, "0", "05"), created
    assert created["contractId"] == said.number
    _, known = run("contract", "show", "--node", served.node, said.terms.id)
    assert known["status"] == "active"


def test_a_contract_from_its_offer_to_its_end_in_the_standard_s_messages(served: Town) -> None:
    said = talk(served, terms(served, "life"))
    assert call(served, "POST", "/contractCreate", said.create())[0] == 200
    assert call(served, "POST", "/contractCreate", said.create())[0] == 200  # the same again is the same contract
    status, stands = call(served, "POST", "/contractNegotiate", said.negotiate())
    assert (status, stands["negotiationStatus"]) == (200, "0")
    acceptance = stands["acceptance"]
    decided_ms = json.loads(base64url.decode(acceptance.split(".")[1]))["time_ms"]
    status, registered = call(served, "POST", "/contractRegistrate", said.registrate(acceptance, decided_ms))
    assert (status, registered["status"]) == (200, "0")
    assert registered["contractHash"] == hashlib.sha256(said.offer).hexdigest()
    served.contracts["talk"] = said.terms.id
    assert served.ask("SELECT count(*) AS n FROM visits", contract="talk")[0] == 0
    assert call(served, "POST", "/contractExecution", said.execution(1))[1]["executionResult"] == "1/10000"
    status, wrong = call(served, "POST", "/contractExecution", said.execution(2))
    assert (status, wrong["error"]["subject"]) == (400, "executionResult")
    assert call(served, "POST", "/contractTemplate", said.template())[1] == {"status": "0", "template": []}
    done("contract", "revoke", served.node, said.terms.id, "--by", "首席数据官")
    status, over = call(served, "POST", "/contractNegotiate", said.negotiate())
    assert (status, over["error"]["reason"]) == (400, "CONTRACT_REVOKED")


def test_a_receipt_is_acknowledged_and_a_use_ended_in_the_standard_s_messages(
    served: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Link, "acknowledge", lambda *_: None)  # the SDK leaves it to us
    said, alice = talk(served, terms(served, "use")), Identity.load(served.root / "alice")
    assert call(served, "POST", "/contractCreate", said.create())[0] == 200
    with yanmen.connect("clinic", identity=served.root / "alice") as node:
        job = node.submit("SELECT count(*) AS n FROM visits", contract=said.terms.id)
        given = job.fetch().receipt
    assert call(served, "POST", "/abnormalTermination", said.termination(job.id)) == (200, {"status": "0"})
    status, told = call(served, "POST", "/abnormalTermination", said.termination("ab" * 16))
    assert (status, told["error"]["reason"]) == (404, "JOB_UNKNOWN")
    status, told = call(served, "POST", "/executionFeedback", said.feedback(given.index, said.offer.decode()))
    assert (status, told["error"]["reason"]) == (401, "SIGNATURE_INVALID")
    denied = {**said.feedback(given.index, said.offer.decode()), "result": "denied"}
    assert call(served, "POST", "/executionFeedback", denied)[1]["error"]["subject"] == "result"
    received = Acknowledgement(given.origin, SystemClock().now_ms() // 1000, given.jti, sd_hash(given.sdjwt))
    token = documents.sign_acknowledgement(received, alice.signer).decode()
    status, told = call(served, "POST", "/executionFeedback", said.feedback(given.index, token))
    assert (status, told["status"], told["receipt"]["stage"]) == (200, "0", "acknowledged"), told
    proof = said.proof(given.index, given.jti, 1, token)
    assert call(served, "POST", "/fulfillmentProof", proof)[1]["error"]["subject"] == "contractId"  # it goes on
    done("contract", "revoke", served.node, said.terms.id, "--by", "首席数据官")
    for member, wrong in (("proofId", contract_number.uuid("ab" * 16)), ("signature", said.offer.decode())):
        assert call(served, "POST", "/fulfillmentProof", {**proof, member: wrong})[1]["error"]["subject"] == member
    other = said.proof(given.index, given.jti, 2, token)
    assert call(served, "POST", "/fulfillmentProof", other)[1]["error"]["subject"] == "log/executionResult"
    assert call(served, "POST", "/fulfillmentProof", proof)[1]["receipt"]["jti"] == told["receipt"]["jti"]


def test_an_amendment_in_the_standard_s_messages(served: Town) -> None:
    said = talk(served, terms(served, "amended"))
    assert call(served, "POST", "/contractCreate", said.create())[0] == 200
    changed = replace(said.terms, amends=documents.digest(said.offer), queries=9_000, queries_per_day=9_000)
    more = talk(served, changed)
    assert more.number == said.number
    other = {**more.negotiate(), "strategy": said.strategy()}
    assert call(served, "POST", "/contractNegotiate", other)[0] == 400, "words that the offer does not say"
    status, stands = call(served, "POST", "/contractNegotiate", more.negotiate())
    assert (status, stands["negotiationStatus"], stands["contractStatus"]) == (200, "0", "05"), stands
    assert call(served, "POST", "/contractExecution", more.execution(0))[1]["executionResult"] == "0/9000"
    stale = replace(changed, queries=8_000, queries_per_day=8_000)
    status, _ = call(served, "POST", "/contractNegotiate", talk(served, stale).negotiate())
    assert status == 400, "it amends a version that is not in force any more"


def test_a_deletion_is_proved_in_the_standard_s_messages(served: Town) -> None:
    said, alice = talk(served, replace(terms(served, "deleted"), deletion_days=5)), Identity.load(served.root / "alice")
    assert call(served, "POST", "/contractCreate", said.create())[0] == 200
    with yanmen.connect("clinic", identity=served.root / "alice") as node:
        given = node.query("SELECT count(*) AS n FROM visits", contract=said.terms.id).receipt
        held, answers = node.contract(said.terms.id), node.released(said.terms.id)
    token = negotiating.proof(held, answers, "已清除", alice, SystemClock())
    proof = said.proof(given.index, said.terms.id, 1, token.decode())
    assert call(served, "POST", "/fulfillmentProof", proof)[1]["error"]["subject"] == "contractId"  # it goes on
    done("contract", "revoke", served.node, said.terms.id, "--by", "首席数据官")
    lessened = negotiating.proof(held, (), "已清除", alice, SystemClock())
    fewer = said.proof(given.index, said.terms.id, 1, lessened.decode())
    assert call(served, "POST", "/fulfillmentProof", fewer)[1]["error"]["reason"] == "DELETION_NOT_PROVED"
    wrong = said.proof(given.index, given.jti, 1, token.decode())
    assert call(served, "POST", "/fulfillmentProof", wrong)[1]["error"]["subject"] == "proofId"
    assert call(served, "POST", "/fulfillmentProof", proof) == (200, {"status": "0", "contractStatus": "06"})
    assert call(served, "POST", "/fulfillmentProof", proof)[0] == 200, "the same again is the same"


def test_the_same_contract_in_the_dataspace_protocol(served: Town) -> None:
    said = talk(served, terms(served, "dsp"))
    request = said.dataspace()
    assert problems("negotiation/contract-request-message-schema.json", request) == []
    status, stands = call(served, "POST", f"{dataspace.BASE}/negotiations/request", request)
    assert status == 201, stands
    assert problems("negotiation/contract-negotiation-schema.json", stands) == []
    assert stands["state"] == "FINALIZED"
    place = f"{dataspace.BASE}/negotiations/{stands['providerPid']}"
    assert call(served, "GET", place) == (200, stands)
    status, agreed = call(served, "GET", f"{place}/agreement")
    assert status == 200
    assert problems("negotiation/contract-agreement-message-schema.json", agreed) == []
    document = agreed["agreement"]
    member, holder = Identity.load(served.root / "alice"), served.node / "signing.key"
    own = documents.open_offer(document[dataspace_offer.SIGNED_OFFER].encode(), member.signer.public)
    decided = documents.open_acceptance(document[dataspace_offer.SIGNED_ACCEPTANCE].encode(), keys.load(holder).public)
    assert (own, decided.contract_id) == (said.terms, said.terms.id)
    assert {name: document[name] for name in ("permission", "target")} == {
        name: request["offer"][name] for name in ("permission", "target")
    }
    done("contract", "revoke", served.node, said.terms.id, "--by", "首席数据官")
    assert (
        call(served, "GET", place)[1]["state"] == "FINALIZED"
    )  # the negotiation led to a contract, whatever became of it
    status, over = call(served, "GET", f"{place}/agreement")
    assert status == 400
    assert problems("negotiation/contract-negotiation-error-schema.json", over) == []
    assert over["consumerPid"] == request["consumerPid"]


def countered(town: Town, said: Talk, fen: int) -> Talk:
    """Have the holder offer another price, and return what alice says once she signs it."""
    done("contract", "counter", town.node, said.terms.id, "--set", f"price_per_query_fen={fen}", "--by", "张某")
    with yanmen.connect("clinic", identity=town.root / "alice") as node:
        token = node.contract(said.terms.id).counter
    offered = agreements.peek_terms(token)
    assert offered.round is not None
    answer_by_ms = SystemClock().now_ms() + 86_400_000
    return talk(town, replace(offered, round=Round(offered.round.number + 1, documents.digest(token), answer_by_ms)))


def test_three_sides_come_to_terms_in_the_standard_s_messages(served: Town) -> None:
    who = ("--name", "数据局", "--alias", "bureau", "--subject", SUBJECT + "3", "--region", "1401")
    done("member", "init", served.root / "bureau", *who, "--role", "regulator")
    served.admit(served.root / "bureau", "member")
    alice, bureau = (Identity.load(served.root / name) for name in ("alice", "bureau"))
    first = talk(served, replace(terms(served, "sides"), price_per_query_fen=60, signers=(bureau.id,)))
    _, created = call(served, "POST", "/contractCreate", first.create())
    assert created["contractStatus"] == "02"
    said = countered(served, first, 100)
    asked = {name: value for name, value in first.negotiate().items() if name != "signatureList"}
    status, stands = call(served, "POST", "/contractNegotiate", asked)
    assert (status, stands["negotiationStatus"]) == (200, "1")
    assert agreements.peek_terms(stands["counterOffer"].encode()).price_per_query_fen == 100
    status, stands = call(served, "POST", "/contractNegotiate", said.negotiate())
    assert (status, stands["negotiationStatus"], stands["contractStatus"]) == (200, "1", "03"), stands
    acceptance = stands["acceptance"]
    verified = said.act(ActKind.VERIFY, alice.id, alice.signer, documents.digest(acceptance.encode()))
    place = f"{dataspace.BASE}/negotiations/{dataspace_offer.provider_pid(said.terms.holder, said.terms.id)}"
    status, told = call(served, "POST", f"{place}/agreement/verification", said.verified(verified))
    assert (status, told["state"]) == (200, "VERIFIED"), told
    signed = said.act(ActKind.SIGN, bureau.id, bureau.signer)
    assert call(served, "POST", "/strategySend", said.send(verified), "bureau")[1]["error"]["subject"] == "signature"
    assert call(served, "POST", "/strategySend", said.send(signed), "alice")[0] == 401
    status, told = call(served, "POST", "/strategySend", said.send(signed), "bureau")
    assert (status, told) == (200, {"status": "0", "contractStatus": "05"}), told
    decided_ms = json.loads(base64url.decode(acceptance.split(".")[1]))["time_ms"]
    registered = said.registrate(acceptance, decided_ms)
    assert call(served, "POST", "/contractRegistrate", registered)[0] == 400  # a side is missing
    side = {"signatoryEntityId": SUBJECT + "3", "signature": signed.decode()}
    registered["signatoryEntities"].append(side)
    assert (
        call(served, "POST", "/contractRegistrate", registered)[1]["contractHash"]
        == hashlib.sha256(said.offer).hexdigest()
    )
    ending = said.act(ActKind.END, alice.id, alice.signer, reason="项目结束")
    assert call(served, "POST", "/contractTerminate", said.terminate(signed))[1]["error"]["subject"] == "signature"
    status, told = call(served, "POST", "/contractTerminate", said.terminate(ending))
    assert (status, told["status"], told["contractStatus"]) == (200, "0", "06"), told


def test_a_counter_offer_is_accepted_in_the_dataspace_protocol(served: Town) -> None:
    alice = Identity.load(served.root / "alice")
    first = talk(served, replace(terms(served, "counter"), price_per_query_fen=60))
    status, stands = call(served, "POST", f"{dataspace.BASE}/negotiations/request", first.dataspace())
    assert (status, stands["state"]) == (201, "REQUESTED")
    place = f"{dataspace.BASE}/negotiations/{stands['providerPid']}"
    assert call(served, "GET", f"{place}/offers")[1]["code"] == "NEGOTIATION_OUT_OF_TURN"
    said = countered(served, first, 100)
    assert call(served, "GET", place)[1]["state"] == "OFFERED"
    status, offered = call(served, "GET", f"{place}/offers")
    assert (status, problems("negotiation/contract-offer-message-schema.json", offered)) == (200, [])
    other = talk(served, replace(said.terms, price_per_query_fen=90))
    assert call(served, "POST", f"{place}/events", other.accepted())[0] == 400
    assert problems("negotiation/contract-negotiation-event-message-schema.json", said.accepted()) == []
    status, told = call(served, "POST", f"{place}/events", said.accepted())
    assert (status, told["state"]) == (200, "AGREED"), told
    agreed = call(served, "GET", f"{place}/agreement")[1]
    assert problems("negotiation/contract-agreement-message-schema.json", agreed) == []
    assert call(served, "GET", f"{place}/events")[0] == 400
    acceptance = agreed["agreement"][dataspace_offer.SIGNED_ACCEPTANCE].encode()
    act = said.act(ActKind.VERIFY, alice.id, alice.signer, documents.digest(acceptance))
    verification = said.verified(act)
    assert problems("negotiation/contract-agreement-verification-message-schema.json", verification) == []
    status, told = call(served, "POST", f"{place}/agreement/verification", verification)
    assert (status, told["state"]) == (200, "FINALIZED"), told
    event = call(served, "GET", f"{place}/events")[1]
    assert problems("negotiation/contract-negotiation-event-message-schema.json", event) == []


def test_a_negotiation_is_ended_by_either_side_in_the_dataspace_protocol(served: Town) -> None:
    alice = Identity.load(served.root / "alice")
    for name, ends in (("theirs", True), ("ours", False)):
        said = talk(served, replace(terms(served, name), price_per_query_fen=60))
        _, stands = call(served, "POST", f"{dataspace.BASE}/negotiations/request", said.dataspace())
        place = f"{dataspace.BASE}/negotiations/{stands['providerPid']}"
        if ends:
            message = said.ended(said.act(ActKind.END, alice.id, alice.signer, reason="价格"), "价格")
            assert problems("negotiation/contract-negotiation-termination-message-schema.json", message) == []
            assert call(served, "POST", f"{place}/termination", {**message, "reason": ["别的"]})[0] == 400
            assert call(served, "POST", f"{place}/termination", message)[1]["state"] == "TERMINATED"
        else:
            done("contract", "deny", served.node, said.terms.id, "--by", "首席数据官")
        told = call(served, "GET", f"{place}/termination")[1]
        assert problems("negotiation/contract-negotiation-termination-message-schema.json", told) == []
        assert told["code"] == ("CONTRACT_REVOKED" if ends else "CONTRACT_DENIED")


def test_nobody_is_called_back(served: Town) -> None:
    with socket.create_server(("127.0.0.1", 0)) as named:
        named.settimeout(1)
        request = talk(served, terms(served, "callback")).dataspace()
        request["callbackAddress"] = f"https://127.0.0.1:{named.getsockname()[1]}/"
        assert call(served, "POST", f"{dataspace.BASE}/negotiations/request", request)[0] == 201
        with pytest.raises(TimeoutError):
            named.accept()


def test_another_member_s_contract_is_as_unknown_as_none(served: Town) -> None:
    said = talk(served, terms(served, "mine"))
    assert call(served, "POST", "/contractCreate", said.create())[0] == 200
    served.member("bob")
    stolen = {**said.controlled(), "connectorId": Identity.load(served.root / "bob").id}
    status, told = call(served, "POST", "/abnormalTermination", {**said.termination("ab" * 16), **stolen}, "bob")
    assert (status, told["error"]["reason"]) == (404, "CONTRACT_UNKNOWN")
    place = f"{dataspace.BASE}/negotiations/{dataspace_offer.provider_pid(said.terms.holder, said.terms.id)}"
    status, told = call(served, "GET", place, member="bob")
    assert (status, told["code"]) == (404, "CONTRACT_UNKNOWN")
    status, told = call(served, "POST", "/contractCreate", said.create(), "bob")
    assert (status, told["error"]["subject"]) == (400, "issuerId")


def test_a_renewed_certificate_is_served_without_a_restart(served: Town) -> None:
    before = (served.node / "tls.crt").read_bytes()
    served.admit(served.node, "node")
    assert (served.node / "tls.crt").read_bytes() != before
    host, _, port = (served.node / "serving.https").read_text().strip().rpartition(":")
    client = http.client.HTTPSConnection(host, int(port), timeout=60, context=context(served.root / "alice"))
    client.connect()
    assert client.sock is not None
    shown = ssl.DER_cert_to_PEM_cert(client.sock.getpeercert(binary_form=True) or b"")
    client.close()
    assert shown in (served.node / "tls.crt").read_text()
