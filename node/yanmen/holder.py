"""What an opened node offers the modules that keep its catalogue, its grants of operation and its findings."""

from typing import Protocol

from yanmen.ledger.ledger import Ledger
from yanmen.model.config import Config
from yanmen.model.party import Register
from yanmen.model.ports import Clock, Signer


class _Members(Protocol):
    def current(self) -> Register:
        """Return the register as it is now."""
        ...


class Holder(Protocol):
    """The node that holds the data, opened."""

    @property
    def config(self) -> Config:
        """The node's configuration."""
        ...

    @property
    def ledger(self) -> Ledger:
        """The node's ledger."""
        ...

    @property
    def receipt_signer(self) -> Signer:
        """The node's receipt key."""
        ...

    @property
    def clock(self) -> Clock:
        """The node's clock."""
        ...

    @property
    def register(self) -> _Members:
        """The space's register."""
        ...
