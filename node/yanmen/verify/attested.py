"""What others than witnesses attest of a log's heads: time stamp authorities, and chains they are anchored in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stamped:
    """A time stamp authority whose certificate was given says that the head of `size` leaves was there at `at_s`."""

    size: int
    at_s: int


@dataclass(frozen=True, slots=True)
class Anchored:
    """The node says that the root of the first `size` leaves was written under `answer`; `checked` if that was read."""

    size: int
    answer: str
    checked: bool
