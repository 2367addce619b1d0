"""Edits a sample's own copy of the code and its tables, as a careless hand would."""

from pathlib import Path
from typing import Any

from examples.control import SampleError


def replaced(path: Path, old: str, new: str) -> int:
    """Replace a text that stands in a file once; return the line on which it began."""
    text = path.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise SampleError(f"{path.name} has {text.count(old)} places to edit, not one: the sample and its fault differ")
    path.write_text(text.replace(old, new), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def altered(sample: Any, *statements: str, **values: Any) -> None:
    """Run what a migration would as the database's owner, all of it or nothing."""
    with sample.owner() as connection:
        for statement in statements:
            connection.execute(statement, values or None)


def texts(ids: list[Any]) -> list[str]:
    return sorted(map(str, ids))
