"""The untrusted side: one job, one jail, one reply. Shares no code with `yanmen`."""
