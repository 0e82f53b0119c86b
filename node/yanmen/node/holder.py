"""A node's folder, opened: what the serving process and the holder's own commands both work with.

node.toml  tls.key tls.crt ca.crt  signing.key log.key seal.key   ledger.sqlite  snapshots/  policies/
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from yanmen import enrolment, regular_file
from yanmen.admission.admit import Desk
from yanmen.admission.identity import RegisterFile, Source
from yanmen.admission.policies import Policies, load_guards
from yanmen.crypto import documents, keys
from yanmen.crypto.system import SystemClock, SystemRandomness
from yanmen.execution import profiles, volumes
from yanmen.execution.clear_files import ClearFiles
from yanmen.execution.jail import JailRunner, Shared
from yanmen.execution.launcher import Launcher
from yanmen.execution.process import Spawner
from yanmen.formats import config as config_format
from yanmen.formats import note, toml_lines
from yanmen.formats.witness_policy import NONE, Group, Policy, Watcher
from yanmen.ledger.export import SpacePapers
from yanmen.ledger.genesis import Keeper
from yanmen.ledger.ledger import Ledger
from yanmen.ledger.place import Place, database
from yanmen.model.catalogue import Version
from yanmen.model.config import Config
from yanmen.model.contract import Contract
from yanmen.model.office import Act
from yanmen.model.operation import Product
from yanmen.model.party import KeyUse, Party
from yanmen.model.ports import Clock, Randomness, Signer
from yanmen.model.refusal import Fault, FaultCode
from yanmen.witness import asking

CONFIG = "node.toml"
LEDGER = "ledger.sqlite"
_KEY_FILES = {KeyUse.RECEIPT: (enrolment.SIGNING_KEY, 0), KeyUse.LOG: (enrolment.LOG_KEY, 1)}
"""The file of each key, and which of the ledger's keys it is."""
JOINS = "joins.sqlite"
"""Parts of joins across nodes that are under way."""


@dataclass(frozen=True, slots=True)
class Holder:
    """An opened node: its configuration, keys, ledger and view of the register."""

    directory: Path
    config: Config
    clock: Clock
    randomness: Randomness
    receipt_signer: Signer
    ledger: Ledger
    register: RegisterFile

    def runner(self, spawner: Spawner, shared: Shared | None = None) -> JailRunner:
        """Return the runner of jailed jobs; its preflight raises a `Fault` on a host that cannot confine them.

        `shared` is what it has in common with the other nodes of its process.
        """
        if spawner.profile != self.config.sandbox:
            note = f"node.toml asks for the sandbox {self.config.sandbox!r}; this is {spawner.profile!r}"
            raise Fault(FaultCode.SANDBOX, note)
        if self.config.encrypted_volume:
            volumes.require_encrypted(self.directory)
        clear = self.clear_files()
        clear.check()
        seal_key = self.seal_key()
        launcher = Launcher(spawner)
        runner = JailRunner(self.directory, seal_key, self.randomness, self.config.limits, launcher, clear)
        runner.seal_by(self.config.at_rest)
        runner.go_by(self.clock)
        if shared is not None:
            runner.adopt(shared)
        return runner

    def seal_key(self) -> bytes:
        """Return the key that snapshots are sealed with, which units are hashed with too."""
        return keys.read_secret(self.directory / enrolment.SEAL_KEY)

    def clear_files(self) -> ClearFiles:
        """Return where snapshots lie in the clear while they are in use."""
        large = self.config.large
        if not large.folder:
            return ClearFiles()
        return ClearFiles(self.directory / large.folder, large.above_bytes, large.largest_bytes)

    @contextmanager
    def runner_once(self) -> Iterator[JailRunner]:
        """Give the runner to a command that runs a job or two and ends."""
        with profiles.once(self.config.sandbox, self.config.docker) as spawner:
            yield self.runner(spawner)

    def desk(self) -> Desk:
        """Return what admission works with."""
        return Desk(
            node_id=self.config.id,
            receipt_key=self.receipt_signer.public,
            limits=self.config.limits,
            clock=self.clock,
            register=self.register.current,
            books=Books(self.ledger),
            policies=self.policies(),
        )

    def policies(self) -> Policies:
        """Return the guard rails in this node's folder."""
        return Policies(load_guards(self.directory / self.config.policies))

    def party(self) -> Party:
        """Return this node as the register has it, which must name the keys it holds."""
        found = self.register.current().find(self.config.id)
        if found is None:
            raise Fault(FaultCode.REGISTER, "this node is not in the register")
        if (found.signing_key, found.log_key) != (self.receipt_signer.public, self.ledger.log_public):
            note = "the register has other keys for this node; after an exchange of keys, let the space sign it"
            raise Fault(FaultCode.KEYS, f"{note} and copy the register")
        return found

    def papers(self) -> SpacePapers:
        """Return what an audit bundle carries of the space."""
        vkey = note.encode_key(note.VerifierKey(self.config.space, self.config.space_key))
        token = regular_file.read(register_path(self.directory, self.config), documents.REGISTER_BYTES_MAX + 1)
        return SpacePapers(self.config.space, vkey, token, max(1, self.config.release.quorum))

    def witness_policy(self) -> Policy:
        """Return which witnesses of this log must have cosigned, as node.toml says it."""
        log_key = note.VerifierKey(self.ledger.origin, self.ledger.log_public)
        return release_policy(log_key, self.config)


@dataclass(frozen=True, slots=True)
class Books:
    """The ledger as admission reads it."""

    ledger: Ledger

    def contract(self, contract_id: str) -> Contract | None:
        """Return the contract as it stands now."""
        return self.ledger.contract(contract_id)

    def version(self, name: str) -> Version | None:
        """Return the newest version of `name`, retracted or not."""
        return self.ledger.version(name)

    def product(self, name: str) -> Product | None:
        """Return a product as it stands."""
        return self.ledger.product(name)

    def office_over(self, contract_id: str, act: Act, offer_sha256: str) -> tuple[int, bytes] | None:
        """Return the newest act of an officer about this very offer, as signed, and its place in the log."""
        return self.ledger.office_over(contract_id, act, offer_sha256)


def release_policy(log_key: note.VerifierKey, config: Config) -> Policy:
    """Return the C2SP policy of a log: so many of the witnesses named."""
    watchers = tuple(Watcher(one.name, asking.key(one), one.url) for one in config.witnesses)
    if not watchers or not config.release.quorum:
        return Policy(((log_key, ""),), watchers, (), NONE)
    group = Group("quorum", config.release.quorum, tuple(one.name for one in watchers))
    return Policy(((log_key, ""),), watchers, (group,), group.name)


def read_config(directory: Path) -> Config:
    """Return the configuration of the node in `directory`."""
    path = directory / CONFIG
    if not path.is_file():
        raise Fault(FaultCode.CONFIG, f"no {CONFIG} in {directory}: run yanmen node init and node accept")
    return config_format.decode(regular_file.read(path, toml_lines.BYTES_MAX + 1))


def register_path(directory: Path, config: Config) -> Path:
    """Return where the space's register is read from."""
    return directory / config.register


def next_key(directory: Path, name: str) -> Path:
    """Return the file of the key that is to take the place of `name`."""
    return directory / f"{name}.next"


def ledger_place(directory: Path, config: Config) -> Place:
    """Return where the ledger is kept; the connection to a database is in a private file and goes nowhere else."""
    if not config.ledger.postgresql:
        return directory / LEDGER
    return database(directory / config.ledger.postgresql, config.ledger.schema)


def finish_exchange(directory: Path, place: Place) -> None:
    """Put a key in its place whose exchange the ledger recorded before a crash; one not recorded stays aside."""
    for name, number in _KEY_FILES.values():
        fresh = next_key(directory, name)
        if fresh.exists() and keys.load(fresh).public == Ledger.keys_in_use(place)[number]:
            keys.put_in_place(fresh, directory / name)


@dataclass(frozen=True, slots=True)
class LostKey:
    """A key whose file is gone: known by its public half, it signs nothing more."""

    public: bytes

    def sign(self, message: bytes) -> bytes:
        """Refuse to sign `message`."""
        raise Fault(FaultCode.KEYS, f"a key file is gone; {len(message)} bytes stay unsigned: revoke the key")


def lost_key(directory: Path, use: KeyUse, place: Place) -> LostKey | None:
    """Return the key of this `use` when its file is gone; what it was, the ledger knows."""
    name, number = _KEY_FILES[use]
    if (directory / name).exists():
        return None
    return LostKey(Ledger.keys_in_use(place)[number])


@contextmanager
def open_holder(
    directory: Path, *, begin: bool = False, clock: Clock | None = None, without: KeyUse | None = None
) -> Iterator[Holder]:
    """Open the node in `directory` and close it after; `begin` starts the ledger of a new node.

    `without` a key whose file is gone, it opens for that key to be revoked, and takes up no register meanwhile.
    """
    config = read_config(directory)
    clock, randomness = clock or SystemClock(), SystemRandomness()
    place = ledger_place(directory, config)
    finish_exchange(directory, place)
    lost = None if without is None else lost_key(directory, without, place)

    def held(use: KeyUse) -> Signer:
        return lost if lost is not None and use is without else keys.load(directory / _KEY_FILES[use][0])

    signer = held(KeyUse.RECEIPT)
    keeper = Keeper(config.id, signer, held(KeyUse.LOG), clock, randomness)
    with Ledger.open(place, keeper, config.limits, create=begin) as ledger:
        for space in config.subject_spaces:
            ledger.register_space(space)

        def advance(serial: int, digest: str) -> None:
            if lost is None:
                ledger.accept_register(config.space, serial, digest)

        source = Source(register_path(directory, config), config.space, config.space_key)
        register = RegisterFile(source, clock, (0, ""), advance)
        yield Holder(directory, config, clock, randomness, signer, ledger, register)
