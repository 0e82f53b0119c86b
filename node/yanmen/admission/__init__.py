"""May this party, under this contract, now? The only door to Cedar."""
