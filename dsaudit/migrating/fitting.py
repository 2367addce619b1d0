"""Rows that meet what a revision is about to demand of them, for where those that were made up before did not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import psycopg

from dsaudit.migrating import rows
from dsaudit.migrating.bench import Bench
from dsaudit.migrating.schema import Difference
from dsaudit.scratch import Scratch
from dsaudit.scratch.model import quoted

UNIQUE = re.compile(r'^create unique index ("(?:[^"]|"")+"|\S+) on ', re.IGNORECASE)
EMPTY = " not null"


def fitted(bench: Bench, revision: str, changes: Sequence[Difference]) -> Scratch:
    """Make the scratch database what it is before a revision, with rows that the revision lets through.

    What it demands is laid on the empty tables while they are filled, and taken off again.

    Parameters
    ----------
    changes
        What the revision changes in the schema.
    """
    bench.apply(bench.names[: bench.names.index(revision)])
    undone = []
    with bench.stage.owner() as connection:
        for number, one in enumerate(changes):
            for done, undo in _demanded(one, f"dsaudit_{number}"):
                try:
                    connection.execute(done.encode())
                except psycopg.Error:  # it is of a column that comes with the revision
                    continue
                undone.append(undo)
    made = rows.filled(bench.stage)
    with bench.stage.owner() as connection:
        for undo in reversed(undone):
            connection.execute(undo.encode())
    return made


def _demanded(one: Difference, name: str) -> Iterator[tuple[str, str]]:
    """Yield the statement that demands it too, under a name of its own, and the one that takes it back."""
    space, _, table = one.table.partition(".")
    place, found = f"{quoted(space)}.{quoted(table)}", one.found or ""
    if one.kind == "constraint" and found:
        yield f"alter table {place} add constraint {name} {found}", f"alter table {place} drop constraint {name}"
    elif one.kind == "index" and UNIQUE.match(found):
        yield UNIQUE.sub(f"create unique index {name} on ", found), f"drop index {quoted(space)}.{name}"
    elif one.kind == "column" and EMPTY in found and EMPTY not in (one.expected or EMPTY):
        alter = f"alter table {place} alter column {quoted(one.name)}"
        yield f"{alter} set not null", f"{alter} drop not null"
