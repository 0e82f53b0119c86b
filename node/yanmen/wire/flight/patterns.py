"""SQL's LIKE over names, in time proportional to both lengths whatever the pattern."""


def like(pattern: str, name: str) -> bool:
    """Say whether `name` matches `pattern`: % is any text, _ any one character."""
    at = here = 0
    star, resumed = -1, 0
    while here < len(name):
        if at < len(pattern) and pattern[at] == "%":
            star, resumed, at = at, here, at + 1
        elif at < len(pattern) and pattern[at] in {"_", name[here]}:
            at, here = at + 1, here + 1
        elif star >= 0:
            at, resumed = star + 1, resumed + 1
            here = resumed
        else:
            return False
    return set(pattern[at:]) <= {"%"}
