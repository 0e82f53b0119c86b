"""May this be asked, and as which SQL? DuckDB's syntax tree -> closed plan -> SQL we wrote."""

from yanmen.planning.plan import plan
from yanmen.planning.rendering import render

__all__ = ["plan", "render"]
