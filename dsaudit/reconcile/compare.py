"""Compares two sides row by row, as many rows as there are, in a memory of a given size.

A hash of each row's typed values clears the rows that are equal; it accuses none. All others are read again, whole,
and compared value by value with the exact readers of `values`, which alone decide.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from dsaudit.database import Database, ShortRead
from dsaudit.reconcile.clearing import set_apart
from dsaudit.reconcile.forms import VERSION, Column
from dsaudit.reconcile.inputs import Lines, Side, Table, Task
from dsaudit.reconcile.jsonlines import record_of
from dsaudit.reconcile.kinds import kind_of
from dsaudit.reconcile.streams import Connection, batches, fill, look, origins
from dsaudit.reconcile.values import agree, at_source, same_json, typed
from dsaudit.source.reading import SourceError, parse
from dsaudit.source.recording import value_at
from dsaudit.verdict.card import plural

MEMORY = "1GB"
MOST_KEPT = 100_000  # rows of each frame; beyond it they are counted


@dataclass
class Comparison:
    """What a comparison found.

    Attributes
    ----------
    missing, extra
        Keys of the source that are not here, and of here that are not at the source; a column for each key.
    different
        A row for each value that differs: the keys, ``field``, ``kind`` (see `kind_of`), ``there`` and ``here``.
    repeated
        Keys that stand for several rows of a side: the keys, ``there`` and ``here``, how many rows each side has. Of
        several rows here each is compared; several records there are not, as nothing says which one counts.
    counts
        Rows: ``there``, ``here``, ``equal`` (records there that have an equal row here), ``missing``, ``extra``,
        ``different``, ``repeated`` (keys), ``keyless_there``, ``keyless_here``, ``looked_at`` (compared by value).
    claim
        What equal means here, in words.
    problems
        What is wrong with the keys, which is to be mended first; and where a frame is cut.
    """

    missing: pd.DataFrame
    extra: pd.DataFrame
    different: pd.DataFrame
    repeated: pd.DataFrame
    counts: dict[str, int]
    claim: str
    problems: list[str] = field(default_factory=list)


def compare(
    there: Side,
    here: Table,
    keys: Sequence[Column],
    columns: Sequence[Column],
    *,
    exact: bool = True,
    memory: str = MEMORY,
    folder: Path | None = None,
    most: int = MOST_KEPT,
) -> Comparison:
    """Compare the source's side `there` with the table `here`.

    Parameters
    ----------
    keys
        What names a row on both sides, as text or integer.
    columns
        What is compared besides; one that is declared ``ignore`` is left out. JSON costs most: leave it out, or
        compare it in a call of its own.
    exact
        False compares JSON's numbers up to a double where that clears a row; twice as fast.
    memory
        DuckDB's limit, such as ``1GB``; beyond it rows go to a private folder in `folder`, removed afterwards.
    most
        Rows of each frame that are kept; all are counted.

    Raises
    ------
    SourceError, QueryError
        A side could not be read to its end, or rows are missing from what was read: nothing is known then.
    """
    columns = [column for column in columns if not (column.field and column.field.ignore)]
    task = Task(keys, columns, exact)
    with one_instant(here.database), workspace(memory, folder) as connection:
        counts = {"there": fill(connection, there, "there", task), "here": fill(connection, here, "here", task)}
        set_apart(connection, task, here.is_unique(keys))
        return _told(connection, there, here, task, counts, most)


@contextlib.contextmanager
def workspace(memory: str = MEMORY, folder: Path | None = None) -> Iterator[Connection]:
    """Yield a DuckDB of limited memory, whose file and overflow lie in a folder that only its owner can read."""
    with tempfile.TemporaryDirectory(prefix="dsaudit-compare-", dir=folder) as private:  # made with 0700
        settings: dict[str, Any] = {"memory_limit": memory, "temp_directory": f"{private}/overflow"}
        settings |= {"preserve_insertion_order": False, "threads": 2, "autoinstall_known_extensions": False}
        with duckdb.connect(f"{private}/rows.duckdb", config=settings) as connection:
            connection.execute("set timezone = 'UTC'")
            # DuckDB takes a file or a stream for a few rows, and would hold it in memory to join it with less.
            connection.execute("set disabled_optimizers = 'build_side_probe_side'")
            yield connection


@contextlib.contextmanager
def one_instant(database: Database) -> Iterator[None]:
    """Let all connections see one instant, also where no run holds one."""
    if database.snapshot:
        yield
        return
    with database.held_snapshot() as name:
        database.snapshot = name
        try:
            yield
        finally:
            database.snapshot = None


CHOSEN = {
    "missing": "from apart where here = 0",
    "extra": "from apart where there = 0",
    "repeated": "from apart where there > 1 or here > 1",
}


def _told(
    connection: Connection, there: Side, here: Table, task: Task, counts: dict[str, int], most: int
) -> Comparison:
    for side in ("there", "here"):
        keyless = " or ".join(f"k{number} is null" for number in range(len(task.keys)))
        counts[f"keyless_{side}"] = _count(connection, f"from {side} where {keyless}")
    frames = {name: _frame(connection, task, name, sql, most) for name, sql in CHOSEN.items()}
    counts |= {name: _count(connection, sql) for name, sql in CHOSEN.items()}
    counts["looked_at"] = _count(connection, "from wanted")
    rows, total, counts["different"] = _differences(connection, there, here, task, most)
    single = counts["there"] - counts["keyless_there"] - _count(connection, "from apart where there > 1", "sum(there)")
    absent = _count(connection, "from apart where there = 1 and here = 0")
    counts["equal"] = single - absent - counts["different"]
    names = [*(key.name for key in task.keys), "field", "kind", "there", "here"]
    frames["different"] = pd.DataFrame(rows, columns=names, dtype=object)
    totals = {**{name: counts[name] for name in CHOSEN}, "different": total}
    return Comparison(**frames, counts=counts, claim=_claim(task), problems=[*problems_of(counts), *cut(totals, most)])


def _frame(connection: Connection, task: Task, name: str, sql: str, most: int) -> pd.DataFrame:
    counted = ["there", "here"] if name == "repeated" else []
    listed = ", ".join([task.names, *counted])
    rows = connection.execute(f"select {listed} {sql} order by {task.names} limit {most}").fetchall()
    return pd.DataFrame(rows, columns=[*(key.name for key in task.keys), *counted], dtype=object)


def _count(connection: Connection, sql: str, what: str = "count(*)") -> int:
    row = connection.execute(f"select coalesce({what}, 0) {sql}").fetchone()
    assert row is not None
    return int(row[0])


def _claim(task: Task) -> str:
    plain = all(column.field for column in task.columns)
    numbers = "" if plain else ", JSON's numbers " + ("to the last digit" if task.exact else "up to a double")
    return (
        f"rows are equal if all their values are, exactly{numbers}; a row whose values differ passes for equal only if"
        f" two hashes of 64 bits are equal by chance (form {VERSION})"
    )


def problems_of(counts: dict[str, int]) -> Iterator[str]:
    """Yield what is wrong with the keys, in words."""
    if counts["repeated"]:
        yield f"{plural(counts['repeated'], 'key stands', 'keys stand')} for several rows each; mend the keys first"
    for side, place in (("there", "at the source"), ("here", "here")):
        if counts[f"keyless_{side}"]:
            keyless = plural(counts[f"keyless_{side}"], f"row {place} has", f"rows {place} have")
            yield f"{keyless} no readable key; what has none is compared with nothing"


def cut(totals: dict[str, int], most: int) -> Iterator[str]:
    """Yield which frames hold fewer rows than there are."""
    return (f"{most} of {total} rows are kept in {name}" for name, total in totals.items() if total > most)


# The second look ----------------------------------------------------------------------------------------------------


def _differences(
    connection: Connection, there: Side, here: Table, task: Task, most: int
) -> tuple[list[list[Any]], int, int]:
    """Compare by value what no hash has cleared; return the rows that differ, how many, and of how many keys."""
    rows: list[list[Any]] = []
    total = keys = 0
    if not _count(connection, "from wanted"):
        return rows, total, keys
    look(connection, there, "seen_there", task)
    look(connection, here, "seen_here", task)
    _refuse_lost(connection, task)
    read = _reader(there, task)
    texts = ", ".join(f"h.t{number}" for number in range(len(task.columns)))
    both = (
        f"select {task.names}, t.* exclude ({task.names}), {texts or 'null'} from seen_there as t join seen_here as h"
    )
    last = None
    for batch in batches(connection, f"{both} using ({task.names}) order by {task.names}"):
        for row in batch:
            key, width = row[: len(task.keys)], len(row) - max(len(task.columns), 1)
            found = list(values_apart(task, read(row[len(task.keys) : width]), row[width:]))
            total += len(found)
            keys += bool(found) and key != last
            last = key if found else last
            rows += [[*key, *one] for one in found[: max(most - len(rows), 0)]]
    return rows, total, keys


def _refuse_lost(connection: Connection, task: Task) -> None:
    """Refuse to judge where a row that was read before is not there to be read again."""
    for side, error in (("seen_there", SourceError), ("seen_here", ShortRead)):
        lost = _count(connection, f"from wanted as w anti join {side} as s using ({task.names})")
        if lost:
            found = plural(lost, "row was", "rows were")
            raise error(f"{found} there at first and not at a second look; what was read proves nothing")


def _reader(side: Side, task: Task) -> Any:
    """Return the function that makes a row of the second look into typed values of the source."""
    fields = [(column.field, column.origin) for column in task.columns]
    if isinstance(side, Lines):

        def of_line(row: Sequence[Any]) -> list[Any]:
            record = record_of(row[0], side.path)
            return [
                at_source(value_at(record, place), one, value_at(record, one.currency or "")) if one
                else value_at(record, place)
                for one, place in fields
            ]  # fmt: skip

        return of_line
    places = {place: number - len(task.keys) for number, place in enumerate(origins(task))}

    def of_texts(row: Sequence[Any]) -> list[Any]:
        values = []
        for number, (one, _) in enumerate(fields):
            if one is None:
                values.append(None if row[number] is None else parse(row[number]))
            else:
                code = row[places[one.currency]] if one.currency and not isinstance(side, Table) else None
                values.append(at_source(row[number], one, code))
        return values

    return of_texts


def values_apart(task: Task, there: Sequence[Any], here: Sequence[Any]) -> Iterator[list[Any]]:
    """Yield field, kind and both values of each column in which a row differs."""
    for column, one, text in zip(task.columns, there, here, strict=False):
        if column.field is None:
            other = None if text is None else parse(text)
            if not same_json(one, other):
                yield [column.name, _kind_of_json(one, other), one, other]
        else:
            other = typed(text, column.field.as_)
            if not agree(one, other, column.field):
                yield [column.name, kind_of(one, other), one, other]


def _kind_of_json(one: Any, other: Any) -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        return "in " + ", ".join(
            name for name in sorted({*one, *other}) if not same_json(one.get(name), other.get(name))
        )
    return kind_of(one, other)
