"""Changes the database as its owner, or by imports, and chooses the rows."""

from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING, Any

import psycopg

from examples import databases
from examples.control import SampleError

from ..tenants import CLIENTS, ENGAGEMENTS

if TYPE_CHECKING:
    from ..sample import Sample

FIRST = 500  # of so many rows some are chosen
AT_ONCE = 300  # records of each of two imports


def slipped_in(sample: "Sample", statement: str, **values: Any) -> None:
    """Run what only a superuser can: no trigger and no foreign key looks at it."""
    database = databases.name_of(sample.owner_url)
    with psycopg.connect(databases.address(sample.server_url, database=database)) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(statement, values)


def some_client(random: Random) -> str:
    return random.choice(list(CLIENTS))


def some_of(sample: "Sample", random: Random, table: str, client: str, condition: str = "true") -> list[Any]:
    """The ids of two to four rows of a client."""
    query = f"select id from {table} where client_account_id = %s and ({condition}) order by id limit {FIRST}"
    ids = [row["id"] for row in sample.rows(query, CLIENTS[client])]
    if not ids:
        raise SampleError(f"{client} has no such row in {table}: start a sample of more assets, with --size")
    return random.sample(ids, min(len(ids), random.randint(2, 4)))


def imported_at_once(sample: "Sample", attempt: int) -> list[int]:
    """Import the same new assets twice at once, one file the reverse of the other; the two answers' statuses."""
    records = [{"name": f"shared {attempt}-{place}"} for place in range(AT_ONCE)]

    def status(ordered: list[dict[str, str]]) -> int:
        body = {"name": "At once", "records": ordered}
        return sample.ask("api/v1/data-imports", ENGAGEMENTS[0].headers, body)[0]

    with ThreadPoolExecutor() as threads:
        return list(threads.map(status, [records, records[::-1]]))
