"""Keys, signatures, wall clock and random bytes: the only door to `cryptography` and `nacl`."""
