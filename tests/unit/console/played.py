"""A node's folder after a while of use, without any of its keys: what a console is shown."""

from pathlib import Path

from yanmen.crypto import cosigning
from yanmen.formats import config as config_format
from yanmen.formats import note
from yanmen.formats.bill import Period
from yanmen.formats.note import VerifierKey
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.place import Database
from yanmen.model.catalogue import Column, ColumnType, DatasetClass, Role, SubjectSpace
from yanmen.model.config import Config, LedgerPlace, Witness
from yanmen.model.contract import Contract
from yanmen.model.inspection import Act, Step
from yanmen.model.receipt import Stage
from yanmen.model.refusal import JobCode, Reason, Usage
from yanmen.model.stages import Reserved

from tests.unit.ledger.scene import (
    LIFETIME_DELTA_E12,
    LIFETIME_MICRO_RHO,
    NODE,
    RIVAL,
    SPACE,
    SPACE_KEY,
    START_MS,
    SUBJECTS,
    Scene,
    dataset,
    offered,
    papers,
    released,
    reserved,
    signer,
    terms_of,
    version,
)

FIGURE = 7_321_987
"""A released figure: it must be on no page."""
SESSION = "5e5510" * 5 + "5e"
"""The id of a session grant: it must be on no page, nor the grant itself."""
HIDDEN = "联系电话-7f3a"
"""The title of a hidden column: it must be on no page."""
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"
WITNESS_KEY = signer("witness")
WITNESS = VerifierKey("audit.shanxi.example/w1", WITNESS_KEY.public, note.COSIGNATURE)
ABSENT = VerifierKey("other.example/w2", signer("absent").public, note.COSIGNATURE)
DAY_MS = 86_400_000


def play(folder: Path, elsewhere: Database | None = None) -> Scene:
    """Fill `folder` with a played ledger, node.toml and register; return the scene, to go on."""
    scene = Scene(folder / "ledger.sqlite", elsewhere=elsewhere)
    with scene.open() as ledger:
        hidden = Column("phone", ColumnType.TEXT, Role.HIDDEN, title_zh=HIDDEN, title_en=HIDDEN)
        ledger.register_space(SubjectSpace(SUBJECTS, LIFETIME_MICRO_RHO, LIFETIME_DELTA_E12))
        ledger.publish(version(columns=(*dataset().columns, hidden)))
        contract = scene.furnish(ledger, micro_rho=900_000)
        ledger.publish(version("g1", name="gazette", cls=DatasetClass.OPEN, subject_space="", title_en="Gazette"))
        other = scene.activate(ledger, terms_of(scene.name(), consumer=RIVAL))
        for _ in range(3):
            ask(scene, ledger, contract)
            ask(scene, ledger, other)
            scene.clock.ms += DAY_MS
        ask(scene, ledger, contract, session=SESSION)
        held = reserved(ledger.reserve(scene.plan(contract)))
        ledger.abort(held, Reason.RUN_FAILED, JobCode.TIME, Usage(1, 1, 1))
        disputes(scene, ledger, contract)
        ledger.reserve(scene.plan(contract))  # runs, as far as anybody can see
        ledger.add_offer(offered(terms_of(scene.name(), consumer=RIVAL)))
        witnessed(ledger)
    write_config(folder, None if elsewhere is None else LedgerPlace("ledger.conn", elsewhere.schema))
    return scene


def ask(scene: Scene, ledger: Ledger, contract: Contract, session: str = "") -> None:
    """Answer one question."""
    held = ledger.reserve(scene.plan(contract, session=session))
    assert isinstance(held, Reserved)
    ledger.settle(held, released(held.plan, FIGURE), "ab" * 32)


def disputes(scene: Scene, ledger: Ledger, contract: Contract) -> None:
    """Record an incident, objections, a finding past its deadline and a statement of account."""
    ledger.open_case(Stage.INCIDENT, HOSTILE, "李某", contract.terms.id)
    objection = ledger.open_case(Stage.OBJECTION, "用途与合约不符", "王某", contract.terms.id)
    ledger.close_case(Stage.OBJECTION, objection.jti, "已核查", "张某")
    now_s = scene.clock.ms // 1000
    step = Step("f" * 32, Act.OPENED, RIVAL, NODE, "", now_s, "第 3 号叶未披露查询", "", 0, now_s - 3600)
    ledger.record_step(step, b"a.b.c")
    first = START_MS // 60_000 * 60
    ledger.state_account(Period(first - 86_400, first + 86_400))


def witnessed(ledger: Ledger) -> None:
    """Let the first witness cosign the head as it is; what comes after it has not seen."""
    head = note.decode(ledger.checkpoint().encode())
    signature = cosigning.cosign(head.text, WITNESS.name, WITNESS_KEY, START_MS // 1000)
    ledger.add_cosignature(ledger.size(), WITNESS, signature)
    ledger.open_case(Stage.OBJECTION, "见证之后", "王某")


def write_config(folder: Path, ledger: LedgerPlace | None = None) -> None:
    """Write node.toml and the register beside the ledger."""
    config = Config(
        id=NODE,
        name="卫健委",
        alias="health",
        address="127.0.0.1:7443",
        space=SPACE,
        register="register.jws",
        space_key=SPACE_KEY.public,
        sandbox="landlock",
        approve_general=False,
        approve_columns_max=0,
        subject_spaces=(SubjectSpace(SUBJECTS, LIFETIME_MICRO_RHO, LIFETIME_DELTA_E12),),
        ledger=ledger or LedgerPlace(),
        witnesses=tuple(Witness("http://127.0.0.1:7450", key.name, key.public) for key in (WITNESS, ABSENT)),
    )
    (folder / "node.toml").write_text(config_format.encode(config), encoding="utf-8")
    (folder / "register.jws").write_bytes(papers().register)
