"""One question to many nodes: shares, three aggregators, one noised sum that anybody can check (DESIGN §7)."""
