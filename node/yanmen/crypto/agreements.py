"""Documents by which two or three sides come to a contract, signed and opened, each under its own type."""

from collections.abc import Mapping

from yanmen.crypto import jose, keys
from yanmen.formats import template
from yanmen.formats.json_canonical import Json
from yanmen.model.ports import Signer
from yanmen.model.template import Template


def sign_template(value: Template, node: Signer) -> bytes:
    """Return a contract template, signed by the holder's receipt key."""
    return _sign(template.encode(value), node, template.TYP)


def open_template(token: bytes, node_key: bytes) -> Template:
    """Return the template signed by `node_key`."""
    return template.decode(jose.verify_jws(token, node_key, template.TYP, template.BYTES_MAX))


def _sign(payload: Mapping[str, Json], signer: Signer, typ: str) -> bytes:
    return jose.sign_jws({}, payload, signer, keys.thumbprint(signer.public), typ)
