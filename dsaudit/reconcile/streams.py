"""The sides of a comparison, read as streams into DuckDB: first a key and a hash a row, then the few rows in full."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import duckdb

from dsaudit.database import ShortRead
from dsaudit.database.errors import stream_error
from dsaudit.parameters.ids import PLAIN, Kind, id_text
from dsaudit.reconcile.forms import JSON, Column, Value, form, quoted, shown, text_of, wire
from dsaudit.reconcile.inputs import Lines, Rows, Side, Table, Task
from dsaudit.reconcile.jsonlines import extracted, odd_lines, record_of
from dsaudit.source.reading import SourceError
from dsaudit.source.recording import value_at
from dsaudit.verdict.card import plural, thousands

CONNECTIONS = 2
MOST_NAMED = 20_000  # keys that are asked for by name; beyond that the whole table is read once more

Connection = duckdb.DuckDBPyConnection


def fill(connection: Connection, side: Side, target: str, task: Task) -> int:
    """Make the table `target` of keys and hashes, a row for each of `side`, and return how many there are.

    Raises
    ------
    SourceError, QueryError
        The side cannot be read to its end, or has not as many rows as were counted.
    """
    marked = ", line ubigint" if isinstance(side, Lines) else ""  # the hash of a line finds it again
    connection.execute(f"create table {target} ({_key_columns(task)}, h ubigint{marked})")
    if isinstance(side, Table):
        _pour(connection, side, f"insert into {target} {{}}", task, True)
        expected: int | None = side.count()
    else:
        _read(connection, side, f"insert into {target} {_hashed(task, *_values(connection, side, task))}")
        expected = side.expected
    if isinstance(side, Lines):
        _read_odd_lines(connection, side, target, task)
    found = _number(connection, f"select count(*) from {target}")
    if expected is not None and found != expected:
        error = ShortRead if isinstance(side, Table) else SourceError
        read = plural(found, "row was", "rows were")
        raise error(f"{_name(side)}: {read} read, {thousands(expected)} counted; a part is missing")
    return found


def look(connection: Connection, side: Side, target: str, task: Task) -> None:
    """Make the table `target` of the rows whose keys are in the table ``wanted``: keys, then each value as text.

    Of a JSON Lines file it holds the keys and the ``line``, as only the text itself tells a number's every digit.
    """
    if isinstance(side, Table):
        texts = "".join(f", t{n} varchar" for n in range(len(task.columns)))
        connection.execute(f"create table {target} ({_key_columns(task)}{texts})")
        insert = f"insert into {target} select x.* from ({{}}) as x {_wanted(task)}"
        _pour(connection, side, insert, task, False, _chosen(connection, side, task))
        return
    if isinstance(side, Lines):
        _look_at_lines(connection, side, target, task)
        return
    inner, kinds = _values(connection, side, task)
    places = range(len(task.keys), len(kinds))
    rows = f"select {_keys(task, kinds)}{''.join(f', v{n}' for n in places)} from ({inner})"
    texts = "".join(f", cast(v{n} as varchar) as t{n}" for n in places)
    _read(connection, side, f"create table {target} as select {task.names}{texts} from ({rows}) as x {_wanted(task)}")


def _look_at_lines(connection: Connection, side: Lines, target: str, task: Task) -> None:
    keys = replace(task, columns=[])
    inner, kinds = _values(connection, side, keys, f"hash(line) in (select line from there {_wanted(task)})")
    rows = f"select {_keys(keys, kinds)}, line from ({inner})"
    _read(connection, side, f"create table {target} as select x.* from ({rows}) as x {_wanted(task)}")
    connection.execute(f"insert into {target} select x.* from odd_lines as x {_wanted(task)}")


def _wanted(task: Task) -> str:
    return f"semi join wanted using ({task.names})"


def origins(task: Task) -> list[str]:
    """Return what is read of a source's record: keys, columns, then the currencies that some amounts need."""
    places = [column.origin for column in (*task.keys, *task.columns)]
    return places + [c.field.currency for c in task.columns if c.field and c.field.currency]


# What a side's values are in DuckDB: v0, v1 … in the order of `origins` ---------------------------------------------


def _values(connection: Connection, side: Lines | Rows, task: Task, where: str | None = None) -> tuple[str, list[str]]:
    places = origins(task)
    if isinstance(side, Lines):
        return extracted(side, places, where), [JSON] * len(places)
    known = {row[0] for row in _described(connection, side, f"select * from {side.relation}")}
    listed = ", ".join(f"{_reference(place, known)} as v{n}" for n, place in enumerate(places))
    inner = f"select {listed} from {side.relation}"
    return inner, [str(row[1]) for row in _described(connection, side, inner)]


def _reference(place: str, known: set[str]) -> str:
    return quoted(place) if place in known else ".".join(map(quoted, place.split(".")))


def _described(connection: Connection, side: Lines | Rows, sql: str) -> list[tuple[Any, ...]]:
    return _read(connection, side, f"describe {sql}").fetchall()


def _read(connection: Connection, side: Lines | Rows, sql: str) -> Connection:
    try:
        return connection.execute(sql)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise SourceError(f"{_name(side)}: cannot be read ({type(error).__name__})") from None


def _name(side: Side) -> str:
    return side.path.name if isinstance(side, Lines) else "the source's file" if isinstance(side, Rows) else "the table"


def _read_odd_lines(connection: Connection, side: Lines, target: str, task: Task) -> None:
    """Take in by Python what DuckDB does not read, or not as Python does; what is no JSON is an error.

    Such a line has left a row without a key, which gives way to one with its key, and without a hash.
    """
    connection.execute(f"create table odd_lines ({_key_columns(task)}, line varchar)")
    keyless = f"from {target} where " + " and ".join(f"k{n} is null" for n in range(len(task.keys)))
    if not _number(connection, f"select count(*) {keyless}"):
        return
    odd = odd_lines(side, origins(task))
    marks = ", ".join("?" * len(task.keys))
    for (line,) in _read(connection, side, odd).fetchall():
        record = record_of(line, side.path) if line.strip() else {}
        values = ((value_at(record, each.origin), each.id_kind) for each in task.keys)
        key = [None if one is None else id_text(one, kind) for one, kind in values]
        connection.execute(f"insert into odd_lines values ({marks}, ?)", [*key, line])
    connection.execute(
        f"delete from {target} where rowid in (select rowid {keyless} limit (select count(*) from odd_lines))"
    )
    connection.execute("delete from odd_lines where trim(line) = ''")
    connection.execute(f"insert into {target} select {task.names}, null, null from odd_lines")


# Keys and hashes ----------------------------------------------------------------------------------------------------


def _key_columns(task: Task) -> str:
    return ", ".join(f"k{number} {_key_type(key)}" for number, key in enumerate(task.keys))


def _keys(task: Task, kinds: Sequence[str]) -> str:
    return ", ".join(f"{_key(key, n, kinds[n])} as k{n}" for n, key in enumerate(task.keys))


def _key_type(key: Column) -> str:
    return "bigint" if key.field and key.field.as_ == "integer" else "varchar"


def _key(key: Column, number: int, kind: str) -> str:
    value = f"v{number}"
    text = text_of(value, kind)
    made = form(key, Value(value, kind, text))
    names_one = f"{value} not in ('true', 'false')" if kind == JSON else f"{value} is not null"
    names_one += f" and {as_it_stands(value, text, key.id_kind)}" if kind == JSON else ""
    return f"try_cast(case when {names_one} then {made} end as {_key_type(key)})"


def as_it_stands(value: str, text: str, kind: Kind | None) -> str:
    """Return the DuckDB condition that a string of JSON, `value`, is an id as it stands; a number is by its form."""
    return f"(not starts_with({value}, '\"') or regexp_full_match({text}, '{PLAIN[kind]}'))"


def _hashed(task: Task, inner: str, kinds: Sequence[str]) -> str:
    """Return the select of keys and hash over values v0, v1 …; a row in which a value has no form has no hash.

    Each value's text is made in a select of its own, as DuckDB would make it again wherever a form names it.
    """
    places = range(len(task.keys), len(kinds))
    record = ", line" if JSON in kinds else ""
    texts = "".join(f", v{n}, {text_of(f'v{n}', kinds[n])} as s{n}" for n in places)
    currencies = itertools.count(len(task.keys) + len(task.columns))
    forms, odd = [], []
    for n, column in enumerate(task.columns, len(task.keys)):
        counted = column.field is not None and column.field.currency is not None
        code = f"s{next(currencies)}" if counted else "null"
        value = Value(f"v{n}", kinds[n], f"s{n}", "line" if record else f"s{n}", code)
        forms.append(f", v{n}, case when v{n} is not null then {form(column, value, task.exact)} end as f{n}")
        odd.append(f"(v{n} is not null and f{n} is null)")
    mark = ", hash(line)" if record else ""
    if not forms:
        return f"select {_keys(task, kinds)}, 0::ubigint{mark} from ({inner})"
    listed = ", ".join(f"f{n}" for n in places[: len(forms)])
    made = (
        f"select {task.names}{''.join(forms)}{record} from (select {_keys(task, kinds)}{texts}{record} from ({inner}))"
    )
    return f"select {task.names}, case when {' or '.join(odd)} then null else hash({listed}) end{mark} from ({made})"


# PostgreSQL ---------------------------------------------------------------------------------------------------------


def _pour(connection: Connection, side: Table, insert: str, task: Task, hashing: bool, chosen: str = "true") -> None:
    """Run `insert` over the rows of every piece, several connections at once; the first error ends all."""
    listed, kinds = _wired(side, task, hashing)
    task = replace(task, columns=[_as_it_is(column) for column in task.columns])
    if hashing:
        select = _hashed(task, "select * from {stream}", kinds)
    else:
        texts = "".join(f", v{n}" for n in range(len(task.keys), len(kinds)))
        select = f"select {_keys(task, kinds)}{texts} from {{stream}}"
    wanted = f"select {listed} from ({side.merged()}) as t where {chosen}"

    def pour(number: int, piece: str) -> None:
        name = f"stream_{number}"
        with side.database.stream(f"{wanted} and {piece}") as stream, connection.cursor() as cursor:
            cursor.register(name, stream)
            try:
                cursor.execute(insert.format(select.replace("{stream}", name)))
            except duckdb.OutOfMemoryException:
                raise
            except duckdb.Error as error:
                raise stream_error(error) from None

    with ThreadPoolExecutor(1 if side.database.is_polite else CONNECTIONS) as pool:
        again, pieces = side.database.again, enumerate(side.pieces())
        waiting = [pool.submit(again, partial(pour, number, piece)) for number, piece in pieces]
        try:
            for one in waiting:
                one.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _as_it_is(column: Column) -> Column:
    """How a source counts money and time is no rule for a table."""
    plain = {"minor": None, "currency": None, "epoch": None}
    return replace(column, field=column.field.model_copy(update=plain)) if column.field else column


def _wired(side: Table, task: Task, hashing: bool) -> tuple[str, list[str]]:
    """Return the columns that PostgreSQL sends, as v0, v1 …, and the types they come in."""
    columns = [*task.keys, *task.columns]
    types = side.types([column.here for column in columns])
    sent = []
    for number, column in enumerate(columns):
        expression, declared = f"t.{quoted(column.here)}", types[column.here]
        is_key = number < len(task.keys)
        sent.append(
            wire(column, expression, declared)
            if hashing or is_key
            else (shown(column, expression, declared), "VARCHAR")
        )
    return ", ".join(f"{sql} as v{number}" for number, (sql, _) in enumerate(sent)), [kind for _, kind in sent]


def _chosen(connection: Connection, side: Table, task: Task) -> str:
    """Return a condition on the keys that are wanted, where they are few."""
    if _number(connection, "select count(*) from wanted") > MOST_NAMED:
        return "true"
    types = side.types([key.here for key in task.keys])
    listed = connection.execute(f"select {task.names} from wanted").fetchall()
    columns, arrays, values = [], [], {}
    for number, key in enumerate(task.keys):
        is_number = _key_type(key) == "bigint" and types[key.here] in ("smallint", "integer", "bigint")
        expression = f"t.{quoted(key.here)}"
        columns.append(expression if is_number else wire(key, expression, types[key.here])[0])
        arrays.append(f"%(k{number})s::{'bigint' if is_number else 'text'}[]")
        values[f"k{number}"] = [row[number] if is_number else str(row[number]) for row in listed]
    if len(columns) == 1:
        return side.database.merged(f"{columns[0]} = any({arrays[0]})", values)
    condition = f"({', '.join(columns)}) in (select * from unnest({', '.join(arrays)}))"
    return side.database.merged(condition, values)


def _number(connection: Connection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return int(row[0])


def batches(connection: Connection, sql: str, size: int = 1000) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of a query, some at a time."""
    found = connection.execute(sql)
    while rows := found.fetchmany(size):
        yield rows
