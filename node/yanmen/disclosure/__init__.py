"""What may leave: noise for persons, thresholds for exact data, nothing for open data; the only door to opendp."""

from yanmen.disclosure.release import disclose, quote
from yanmen.disclosure.table import Post

__all__ = ["Post", "disclose", "quote"]
