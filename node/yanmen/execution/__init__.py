"""Hands a job to a jail and reads its hostile reply; the only door to subprocess."""
