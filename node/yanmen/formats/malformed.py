"""The one error of every format."""


class Malformed(ValueError):
    """These bytes break a rule of their format; the message names the rule and never quotes the bytes."""
