"""Witnesses: other parties that cosign a log's heads, each only when the log grew out of what it saw before."""
