"""Chooses the rows and the files that a fault changes."""

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from examples.control import SampleError

if TYPE_CHECKING:
    from ..sample import Sample

FIRST = 500  # of so many rows some are chosen
LISTING = {"resource": "listing"}


def some_of(sample: "Sample", random: Random, table: str, condition: str) -> list[Any]:
    """The ids of two to four rows."""
    query = f"select id from {table} where {condition} order by id limit {FIRST}"
    ids = [row["id"] for row in sample.rows(query)]
    if not ids:
        raise SampleError(f"there is no such row in {table}: start a sample of more listings, with --size")
    return random.sample(ids, min(len(ids), random.randint(2, 4)))


def revision(sample: "Sample", name: str) -> Path:
    """The file of a revision, such as 0022_partial_imports."""
    return sample.code / "migrations" / "versions" / f"{name}.py"


def monitored(sample: "Sample", name: str) -> Path:
    return sample.code / "monitoring" / name
