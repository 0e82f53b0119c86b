"""How parties join a space: keys are made where they are used, the space signs, the register tells everyone.

    applicant: apply -> application.jws        space: admit -> grant.json, register.jws
    applicant: accept <- grant.json

A space is a folder of the space operator (root key, register key, register.jws); a node and a
member are folders of their own. No private key is ever in a file that travels.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from yanmen import regular_file
from yanmen.crypto import envelopes, exchanges, jose, keys, passphrases, x509
from yanmen.crypto.documents import REGISTER_BYTES_MAX
from yanmen.crypto.signatures import BadSignature
from yanmen.formats import base64url, connector_id, enrolment, json_canonical, jws, key_change, note, register
from yanmen.formats.enrolment import Application, Grant
from yanmen.formats.json_canonical import decode_object
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof
from yanmen.formats.spec import REGION
from yanmen.model.party import LOG_KEEPERS, Party, PartyRole, PartyStatus, Register
from yanmen.model.ports import Clock, Randomness, Signer
from yanmen.model.refusal import Detail, Fault, FaultCode, Reason, Refused

APPLICATION = "application.jws"
APPLICATION_BYTES_MAX = 64 * 1024
GRANT = "grant.json"
IDENTITY = "identity.json"
REGISTER = "register.jws"
TLS_KEY, TLS_CERTIFICATE, AUTHORITY = "tls.key", "tls.crt", "ca.crt"
SIGNING_KEY, LOG_KEY, SEAL_KEY, ENVELOPE_KEY = "signing.key", "log.key", "seal.key", "envelope.key"
SPACE_KEY, SPACE_VKEY, AUTHORITY_KEY = "register.key", "space.vkey", "ca.key"
SEAL_BYTES = 32
DAY_MS = 86_400_000
REGISTER_DAYS = 30
"""How long a node that is cut off from the space goes on as if nobody had been revoked."""
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Claims:
    """What an applicant says of itself: `subject` is its 18-character credit code, `region` 4 digits of GB/T 2260."""

    role: PartyRole
    name: str
    alias: str
    subject: str
    region: str
    address: str = ""


def apply(folder: Path, claims: Claims, clock: Clock, randomness: Randomness) -> Application:
    """Make the keys of a new node or member in `folder` and write its application; `Malformed` before any key."""
    enrolment.check_claims(
        {
            "address": claims.address,
            "alias": claims.alias,
            "name": claims.name,
            "region": claims.region,
            "subject": claims.subject,
        },
        claims.role,
    )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (folder / APPLICATION).exists():
        raise Refused(Reason.REQUEST_REPLAYED, _already(folder / APPLICATION))
    keeps_log = claims.role in LOG_KEEPERS
    x509.create_key(folder / TLS_KEY)
    signer = keys.generate(folder / SIGNING_KEY, randomness)
    log_key = keys.generate(folder / LOG_KEY, randomness).public if keeps_log else b""
    if keeps_log:
        keys.write_private(folder / SEAL_KEY, randomness.token(SEAL_BYTES))
    opener = envelopes.generate(folder / ENVELOPE_KEY, randomness) if claims.role is PartyRole.AGGREGATOR else None
    application = Application(
        role=claims.role,
        name=claims.name,
        alias=claims.alias,
        subject=claims.subject,
        region=claims.region,
        address=claims.address,
        csr=x509.create_csr(folder / TLS_KEY).decode("ascii"),
        signing_key=signer.public,
        log_key=log_key,
        issued_s=clock.now_ms() // 1000,
        envelope_key=b"" if opener is None else opener.public,
    )
    return _write_application(folder, application, signer)


def apply_anew(folder: Path, signer: Signer, log_key: bytes, clock: Clock) -> None:
    """Write the application again after a key was exchanged: it is what renews the certificate."""
    before = read_application(regular_file.read(folder / APPLICATION, APPLICATION_BYTES_MAX))
    again = replace(before, signing_key=signer.public, log_key=log_key, issued_s=clock.now_ms() // 1000)
    if (before.signing_key, before.log_key) != (again.signing_key, again.log_key):
        _write_application(folder, again, signer)


def _write_application(folder: Path, application: Application, signer: Signer) -> Application:
    payload = enrolment.parse_application(enrolment.application_payload(application))
    token = jose.sign_jws(
        {}, enrolment.application_payload(payload), signer, keys.thumbprint(signer.public), enrolment.APPLICATION_TYP
    )
    _replace(folder / APPLICATION, token)
    return payload


def read_application(token: bytes) -> Application:
    """Return the application in `token`, whose signature proves the member key it introduces."""
    try:
        claimed = enrolment.parse_application(decode_object(jws.split(token, APPLICATION_BYTES_MAX).payload))
        payload = jose.verify_jws(token, claimed.signing_key, enrolment.APPLICATION_TYP, APPLICATION_BYTES_MAX)
        return enrolment.parse_application(payload)
    except (Malformed, BadSignature) as error:
        raise Refused(Reason.REQUEST_MALFORMED, _unreadable("application", error)) from error


def accept(folder: Path, grant: Grant) -> None:
    """Install `grant` in the applicant's `folder` once it fits the keys there."""
    certificate = grant.certificate.encode("ascii")
    try:
        x509.check_issued(certificate, grant.authority.encode("ascii"))
        found = x509.parse_peer(certificate)
    except (Malformed, Fault) as error:
        raise Refused(Reason.REQUEST_MALFORMED, _unreadable("grant", error)) from error
    if found.connector_id != grant.id or found.space != grant.space:
        raise Refused(Reason.REQUEST_MALFORMED, _unreadable("grant", Malformed("another id in its certificate")))
    x509.check_key_pair(folder / TLS_KEY, certificate)
    _replace(folder / AUTHORITY, grant.authority.encode("ascii"))
    _replace(folder / TLS_CERTIFICATE, certificate)
    _replace(folder / GRANT, enrolment.encode_grant(grant))


def read_grant(data: bytes) -> Grant:
    """Return the grant in `data`."""
    try:
        return enrolment.decode_grant(data)
    except Malformed as error:
        raise Refused(Reason.REQUEST_MALFORMED, _unreadable("grant", error)) from error


@dataclass(frozen=True, slots=True)
class Space:
    """The space operator's folder, opened."""

    folder: Path
    register: Register
    signer: Signer
    authority: x509.Authority
    authority_pem: bytes


def create_space(folder: Path, name: str, clock: Clock, randomness: Randomness) -> Space:
    """Make a new space: its root, its register key and an empty register."""
    x509.check_space(name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificate = x509.create_authority(folder / AUTHORITY_KEY, name, clock.now_ms(), randomness)
    (folder / AUTHORITY).write_bytes(certificate)
    signer = keys.generate(folder / SPACE_KEY, randomness)
    vkey = note.encode_key(note.VerifierKey(name, signer.public))
    (folder / SPACE_VKEY).write_text(vkey + "\n", encoding="ascii")
    now_ms = clock.now_ms()
    empty = Register(space=name, serial=1, issued_ms=now_ms, expires_ms=now_ms + REGISTER_DAYS * DAY_MS, parties=())
    _publish(folder, empty, signer)
    return open_space(folder)


def open_space(folder: Path) -> Space:
    """Open the space in `folder`."""
    signer = keys.load(folder / SPACE_KEY)
    certificate = regular_file.read(folder / AUTHORITY, x509.PEM_BYTES_MAX)
    authority = x509.load_authority(folder / AUTHORITY_KEY, certificate)
    known = read_register(regular_file.read(folder / REGISTER, REGISTER_BYTES_MAX + 1), signer.public)
    return Space(folder=folder, register=known, signer=signer, authority=authority, authority_pem=certificate)


def read_register(token: bytes, space_key: bytes) -> Register:
    """Return the register in `token`, signed by `space_key`."""
    try:
        return register.decode(jose.verify_jws(token, space_key, register.TYP))
    except (Malformed, BadSignature) as error:
        raise Fault(FaultCode.REGISTER, str(error)) from error


def admit(
    space: Space,
    application: Application,
    status: PartyStatus,
    clock: Clock,
    randomness: Randomness,
    region: str = "",
) -> tuple[Space, Grant]:
    """Certify `application`, enter it in the register as `status` and return the new space and the grant.

    An applicant known by its signing key keeps its id: the same call renews its certificate. `region` is what a data
    authority answers for, six digits of GB/T 2260: the space says so, not the applicant.
    """
    if _ended(space.register, application):
        spent = Detail(hint_en="A key that ended does not come back.", hint_zh="已停用的密钥不得再次使用。")
        raise Refused(Reason.IDENTITY_REVOKED, spent)
    before = _known(space.register, application.signing_key)
    if before is not None and before.status is PartyStatus.REVOKED:
        again = Detail(subject=before.id, hint_en="Apply again with new keys.", hint_zh="请以新密钥重新申请。")
        raise Refused(Reason.IDENTITY_REVOKED, again)
    if before is not None and before.log_key != application.log_key:
        other = Detail(
            subject=before.id,
            hint_en="The register has another log key: exchange it with yanmen node rotate.",
            hint_zh="名册中的日志密钥不同：请用 yanmen node rotate 更换。",
        )
        raise Refused(Reason.REQUEST_MALFORMED, other)
    region = region or (before.region if before is not None else "")
    _check_region(application.role, region)
    kind = x509.Kind.NODE if application.role in LOG_KEEPERS else x509.Kind.MEMBER
    identifier = before.id if before is not None else _new_id(application, randomness)
    host = application.address.rpartition(":")[0].strip("[]")
    subject = x509.Subject(space.register.space, kind, identifier, (host,) if host else ())
    certificate = x509.sign_csr(space.authority, application.csr.encode("ascii"), subject, clock.now_ms(), randomness)
    party = Party(
        id=identifier,
        alias=application.alias,
        name=application.name,
        role=application.role,
        status=status,
        signing_key=application.signing_key,
        log_key=application.log_key,
        certificate_sha256=x509.parse_peer(certificate).sha256,
        address=application.address,
        datasets=before.datasets if before is not None else (),
        envelope_key=application.envelope_key,
        former_keys=before.former_keys if before is not None else (),
        region=region,
    )
    changed = enter(space, party, clock)
    grant = Grant(
        id=identifier,
        space=space.register.space,
        certificate=certificate.decode("ascii"),
        authority=space.authority_pem.decode("ascii"),
        space_key=space.signer.public,
    )
    return changed, grant


def check_role(space: Space, application: Application) -> None:
    """Refuse an applicant whose signing key the register has in another role: it would take that entry's place."""
    before = _known(space.register, application.signing_key)
    if before is not None and before.role is not application.role:
        hint_en = f"The register has this key as {before.role.value} {before.alias}: apply with new keys, or say so by"
        hint_zh = f"该密钥已登记为 {before.role.value} {before.alias}：请以新密钥申请；确需变更请加"
        taken = Detail(before.id, hint_en=f"{hint_en} --another-role.", hint_zh=f"{hint_zh} --another-role。")
        raise Refused(Reason.REQUEST_MALFORMED, taken)


def _check_region(role: PartyRole, region: str) -> None:
    if (role is PartyRole.AUTHORITY) is not (REGION.fullmatch(region) is not None):
        hint = Detail(
            "jurisdiction",
            hint_en="A data authority, and nobody else, has a region of six digits: --jurisdiction 140100.",
            hint_zh="数据主管部门须以 --jurisdiction 写明六位行政区划代码，其他角色不得有。",
        )
        raise Refused(Reason.REQUEST_MALFORMED, hint)


def rekey(space: Space, data: bytes, clock: Clock) -> tuple[Space, Party]:
    """Enter the exchanged key in the file `data`, keeping the one before; the same exchange again changes nothing."""
    try:
        changed = exchanges.apply(key_change.decode_exchange(data), space.register)
    except (Malformed, BadSignature, BadProof) as error:
        raise Refused(Reason.REQUEST_MALFORMED, _unreadable("exchange of a key", error)) from error
    if changed.status is PartyStatus.REVOKED:
        again = Detail(subject=changed.id, hint_en="Apply again with new keys.", hint_zh="请以新密钥重新申请。")
        raise Refused(Reason.IDENTITY_REVOKED, again)
    if changed == space.register.find(changed.id):
        return space, changed
    return enter(space, changed, clock), changed


def enter(space: Space, party: Party, clock: Clock) -> Space:
    """Put `party` in the register in place of its earlier entry, and publish the next serial."""
    others = tuple(other for other in space.register.parties if other.id != party.id)
    if any(other.alias == party.alias for other in others):
        hint = Detail(subject=party.alias, hint_en="This alias is taken in the space; choose another.")
        raise Refused(Reason.REQUEST_MALFORMED, replace(hint, hint_zh="该别名在本空间已被使用，请另选。"))
    parties = tuple(sorted((*others, party), key=lambda entry: entry.id))
    return refresh(replace(space, register=replace(space.register, parties=parties)), clock)


def refresh(space: Space, clock: Clock) -> Space:
    """Publish the register under the next serial, good for another `REGISTER_DAYS`."""
    now_ms = clock.now_ms()
    expires_ms = now_ms + REGISTER_DAYS * DAY_MS
    known = replace(space.register, serial=space.register.serial + 1, issued_ms=now_ms, expires_ms=expires_ms)
    _publish(space.folder, known, space.signer)
    return replace(space, register=known)


def _publish(folder: Path, known: Register, signer: Signer) -> None:
    """Write the signed register in one step, so that a reader never sees half of it."""
    token = jose.sign_jws({}, register.encode(known), signer, keys.thumbprint(signer.public), register.TYP)
    _replace(folder / REGISTER, token)


def _replace(path: Path, data: bytes) -> None:
    """Write in one step, so that a node that serves meanwhile never reads half of it."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(data)
    fresh.replace(path)


def _known(known: Register, signing_key: bytes) -> Party | None:
    for party in known.parties:
        if party.signing_key == signing_key:
            return party
    return None


def _ended(known: Register, application: Application) -> bool:
    brought = {application.signing_key, application.log_key}
    return any(one.key in brought for party in known.parties for one in party.former_keys)


def _new_id(application: Application, randomness: Randomness) -> str:
    try:
        while True:
            body = "".join(ALPHABET[byte % len(ALPHABET)] for byte in randomness.token(8))
            identifier = connector_id.build("5", application.subject, application.region, body)
            if not identifier.endswith("*"):  # file names and URIs do not like the 37th check character
                return identifier
    except Malformed as error:
        raise Refused(Reason.REQUEST_MALFORMED, _unreadable("application", error)) from error


def _unreadable(what: str, error: Exception) -> Detail:
    return Detail(
        subject=what,
        hint_en=f"This is not a valid {what}: {error}.",
        hint_zh=f"文件不是有效的 {what}：{error}。",
    )


def _already(path: Path) -> Detail:
    return Detail(
        subject=path.name,
        hint_en="This folder has its keys: hand the application to the space operator, or use a new folder.",
        hint_zh="该目录中已生成密钥；请将申请文件交给空间运营者，或换一个新目录。",
    )


def write_identity(folder: Path, grant: Grant, register_path: str | Path) -> None:
    """Write `identity.json`: who the member is and where the space's signed register is found."""
    payload = {
        "id": grant.id,
        "register": str(Path(register_path).resolve()),
        "space": grant.space,
        "space_key": base64url.encode(grant.space_key),
    }
    (folder / IDENTITY).write_bytes(json_canonical.encode(payload))


def seal_keys(folder: Path, passphrase: str, randomness: Randomness) -> tuple[str, ...]:
    """Seal every key file in `folder` that is not sealed yet and return their names."""
    done: list[str] = []
    for path in _key_files(folder):
        data = keys.read_private(path)
        if not passphrases.is_sealed(data):
            keys.replace_private(path, passphrases.seal(data, passphrase, randomness))
            done.append(path.name)
    return tuple(done)


def unseal_keys(folder: Path, passphrase: str) -> tuple[str, ...]:
    """Write every sealed key file in `folder` as it was before and return their names."""
    done: list[str] = []
    for path in _key_files(folder):
        data = keys.read_private(path)
        if passphrases.is_sealed(data):
            keys.replace_private(path, passphrases.unseal(data, passphrase, path))
            done.append(path.name)
    return tuple(done)


_SECRETS = (SIGNING_KEY, LOG_KEY, SEAL_KEY, TLS_KEY, SPACE_KEY, AUTHORITY_KEY)


def _key_files(folder: Path) -> list[Path]:
    return [folder / name for name in _SECRETS if (folder / name).is_file()]
