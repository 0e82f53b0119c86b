"""The `yanmen` command, one module per group of commands."""
