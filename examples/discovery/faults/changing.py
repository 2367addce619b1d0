"""Changes the database as its owner, and chooses the rows."""

from random import Random
from typing import TYPE_CHECKING, Any

from examples.control import SampleError

from ..tenants import CLIENTS

if TYPE_CHECKING:
    from ..sample import Sample

FIRST = 500  # of so many rows some are chosen


def altered(sample: "Sample", *statements: str, **values: Any) -> None:
    """Run what a migration would, all of it or nothing."""
    with sample.owner() as connection:
        for statement in statements:
            connection.execute(statement, values or None)


def some_client(random: Random) -> str:
    return random.choice(list(CLIENTS))


def some_of(sample: "Sample", random: Random, table: str, client: str, condition: str = "true") -> list[Any]:
    """The ids of two to four rows of a client."""
    query = f"select id from {table} where client_account_id = %s and ({condition}) order by id limit {FIRST}"
    ids = [row["id"] for row in sample.rows(query, CLIENTS[client])]
    if not ids:
        raise SampleError(f"{client} has no such row in {table}: start a sample of more assets, with --size")
    return random.sample(ids, min(len(ids), random.randint(2, 4)))


def texts(ids: list[Any]) -> list[str]:
    return sorted(map(str, ids))
