"""Read-only web pages over a node's ledger, for its holder and auditor, in a process that has no keys."""
