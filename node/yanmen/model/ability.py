"""What a connector can do (能力记录), as it says itself under its signature."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Abilities:
    """One record: the program, its interfaces, algorithms, modes and limits, and what contracts it can keep.

    `algorithms` are by use (signatures, log, transport, at rest …), `modes` by what they are a choice of.
    """

    node: str
    version: str
    interfaces: tuple[str, ...]
    algorithms: Mapping[str, tuple[str, ...]]
    modes: Mapping[str, tuple[str, ...]]
    limits: Mapping[str, int]
    issued_s: int
