"""Frozen values every stage speaks in, and the few protocols; standard library only."""
