"""One node put together: its folder opened, its questions running, its face to the wire."""
