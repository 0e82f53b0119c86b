"""Whose it is, of what does not hold: a refusal that names nobody leaves everybody to look."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from yanmen.crypto.signatures import BadSignature
from yanmen.formats.malformed import Malformed
from yanmen.formats.merkle import BadProof

_PARTY = re.compile(r"(?<![0-9A-Z])[0-9A-Z]{32}(?![0-9A-Z])", re.ASCII)


@contextmanager
def blamed(party: str) -> Iterator[None]:
    """Put the id of `party` before what does not hold of its part, unless that names somebody already."""
    try:
        yield
    except Malformed as error:
        raise Malformed(_naming(party, error)) from error
    except BadSignature as error:
        raise BadSignature(_naming(party, error)) from error
    except BadProof as error:
        raise BadProof(_naming(party, error)) from error


def _naming(party: str, error: Exception) -> str:
    return str(error) if _PARTY.search(str(error)) else f"{party}: {error}"
