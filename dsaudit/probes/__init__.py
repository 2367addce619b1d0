"""Forged deliveries of webhooks, made by a scheme of the catalogue, and sent where the parameter file allows it."""

MARK = "d5a0d170-0000-4000-8000-"  # in the id of every delivery that is ours, and in those of the records it is about
NUMBERED, NUMBERED_DIGITS = "7700770077", 15  # how the latter begin, and how long they are, where records have numbers


def is_ours(ids: list[str]) -> str:
    """Return the SQL condition that one of these expressions of text is an id of our own probe's."""
    ids = [f'{one} collate "C"' for one in ids]  # a column's own may know no parts of a text
    marks = [f"strpos({one}, '{MARK}') > 0" for one in ids]
    marks += [f"{one} like '{NUMBERED:_<{NUMBERED_DIGITS}}'" for one in ids]
    known = "\n    or ".join(marks) or "false"
    return f"coalesce({known}, false)"
