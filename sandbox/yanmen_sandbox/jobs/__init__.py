"""One module per job: what it attaches before the jail closes, and what it does after."""
