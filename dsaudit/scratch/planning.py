"""Plans the rows of a table: an expression for each column, chosen so that the checks hold in every row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

import psycopg

from dsaudit.scratch.model import Check, Column, Foreign, Table, quoted
from dsaudit.scratch.values import candidates, fresh

MOST_COMBINATIONS = 1500
MOST_ONE_BY_ONE = 300
MOST_CHOSEN = 12
LATER, OWN, PICKED = "later", "own", "picked"  # how a foreign key gets its values


@dataclass(frozen=True)
class Plan:
    """How a table is filled: the expression of each column in ``i``, and how each foreign key gets its values."""

    rows: int
    values: dict[str, str]
    foreigns: list[tuple[Foreign, str]]
    referring: dict[str, str]  # of columns of picked foreign keys: a condition in i under which they stay null, or ""


def planned(connection: psycopg.Connection[Any], table: Table, modes: Mapping[str, str], rows: int, seed: int) -> Plan:
    """Return the plan for one table.

    Parameters
    ----------
    modes
        How each foreign key gets its values: from a parent's row that is there, from the row of the same number, later.
    rows
        How many rows there will be; expressions are tried with the first and the last numbers.

    Raises
    ------
    LookupError
        There is no value for a column; the message says for which.
    """
    foreigns = sorted(table.foreigns, key=lambda one: -len(one.columns))
    picked = {name for one in foreigns for name in one.columns if modes[one.name] == PICKED}
    waiting = {name for one in foreigns for name in one.columns if modes[one.name] == LATER} - picked
    choices = _choices(connection, table, picked, waiting, rows, seed)
    values: dict[str, str] = {}
    referring: dict[str, str] = {}
    for columns, checks in _components(table):
        lists = {name: choices[name] for name in columns}
        chosen = [{name: lists[name][0] for name in columns}]
        if checks:
            chosen = _chosen(table, lists, _survivors(connection, table, lists, checks, rows))
        for name in columns:
            values[name] = _alternating([row[name] for row in chosen])
            if name in picked:
                empty = [str(at) for at, row in enumerate(chosen) if _is_null(row[name])]
                referring[name] = f"i % {len(chosen)} in ({', '.join(empty)})" if empty else ""
    return Plan(rows, values, [(one, modes[one.name]) for one in foreigns], referring)


def _choices(
    connection: psycopg.Connection[Any], table: Table, picked: set[str], waiting: set[str], rows: int, seed: int
) -> dict[str, list[str]]:
    """The candidates of each column; a reference that has to wait is null for now."""
    choices = {}
    for column in table.settable:
        if column.name in waiting and column.may_be_null:
            choices[column.name] = [f"(null)::{column.storage}"]
            continue
        found = _usable(connection, table, column, rows, seed)
        # Which parent it is the join decides; here it only matters whether there is one.
        choices[column.name] = list(dict.fromkeys([found[0], found[-1]])) if column.name in picked else found
    return choices


def samples(rows: int) -> list[int]:
    """Return the numbers of rows with which expressions are tried: the first, which repeat later on, and the last."""
    return sorted({*range(1, min(rows, 104) + 1), max(1, rows // 2), rows, rows + 1, rows + 2})


def _usable(connection: psycopg.Connection[Any], table: Table, column: Column, rows: int, seed: int) -> list[str]:
    """The candidates that the column's type takes, domains included."""
    texts = [check.expression for check in table.checks if column.name in table.sources(check.columns)]
    texts += [expression for _, expression in (column.domain.checks if column.domain else ())]
    texts += [table.bounds] if table.bounds else []
    tried = candidates(column, seed, texts)
    beside = {name for check in table.checks if column.name in check.columns for name in check.columns}
    same = [other for other in table.settable if other.name in beside and other.type == column.type and other != column]
    tried[1:1] = [f"({one})::{column.storage}" for other in same if (one := fresh(other, seed))]
    if not column.may_be_null:
        tried = [one for one in tried if not _is_null(one)]
    if not texts and fresh(column, seed):
        tried = tried[:1]
    numbers = ", ".join(f"({number})" for number in samples(rows))
    found = []
    for one in tried:
        if _runs(connection, f"select ({one})::{column.type} from (values {numbers}) as numbers (i)") is not None:
            found.append(one)
    if not found and column.may_be_null:
        return [f"(null)::{column.storage}"]  # a type for which this server has no values, such as xml
    if not found:
        raise LookupError(f"no value was found for column {column.name} of type {column.type}")
    return found


def _components(table: Table) -> Iterator[tuple[list[str], list[Check]]]:
    """The columns in groups that checks bind together, each with its checks."""
    checks = list(table.checks)
    if table.bounds:
        # A row that is not certainly within the bounds of a partition finds none.
        named = [name for name in table.columns if _mentions(table.bounds, name)]
        checks.append(Check("partition", tuple(named), f"({table.bounds}) is true", True, False))
    groups = [({column.name}, list[Check]()) for column in table.settable]
    for check in checks:
        columns = {*table.sources(check.columns)}
        met = [group for group in groups if group[0] & columns]
        if met:
            joined = (set().union(*(names for names, _ in met)), [one for _, ones in met for one in ones] + [check])
            groups = [group for group in groups if group not in met] + [joined]
    for names, bound in groups:
        yield [name for name in table.columns if name in names], bound


def _mentions(expression: str, name: str) -> bool:
    plain = rf"(?<![\w\"]){re.escape(name)}(?![\w\"])"
    return quoted(name) in expression or bool(re.search(plain, expression))


def _survivors(
    connection: psycopg.Connection[Any],
    table: Table,
    lists: dict[str, list[str]],
    checks: Sequence[Check],
    rows: int,
) -> list[tuple[int, ...]]:
    """The combinations of candidates with which the checks hold in all samples, the first candidates first."""
    for name in lists:
        alone = [check for check in checks if {*table.sources(check.columns)} == {name}]
        if alone and len(lists) > 1:
            kept = [at for (at,) in _holding(connection, table, {name: lists[name]}, alone, rows)]
            lists[name] = [lists[name][at] for at in kept] or lists[name]
    while _size(lists) > MOST_COMBINATIONS:
        longest = max(lists.values(), key=len)
        # Null is last, and worth keeping.
        longest.pop(-2 if _is_null(longest[-1]) else -1)
    return _holding(connection, table, lists, checks, rows)


def _holding(
    connection: psycopg.Connection[Any],
    table: Table,
    lists: Mapping[str, list[str]],
    checks: Sequence[Check],
    rows: int,
) -> list[tuple[int, ...]]:
    numbers = ", ".join(f"({number})" for number in samples(rows))
    condition = " and ".join(f"({check.expression}) is not false" for check in checks)

    def query(tried: Mapping[str, Sequence[tuple[int, str]]]) -> str:
        source, values = f"(values {numbers}) as numbers (i)", dict[str, str]()
        for at, (name, ones) in enumerate(tried.items()):
            union = " union all ".join(f"select {n} as n, ({one})::{table.columns[name].type} as v" for n, one in ones)
            source += f" cross join lateral ({union}) as c{at}"
            values |= {f"dsaudit n {at}": f"c{at}.n", name: f"c{at}.v"}
        marks = ", ".join(quoted(f"dsaudit n {at}") for at in range(len(tried)))
        image = table.image(values, source)
        return f"select {marks} from ({image}) as image group by {marks} having bool_and({condition}) order by {marks}"

    together = _runs(connection, query({name: list(enumerate(ones)) for name, ones in lists.items()}))
    if together is not None:
        return together
    # One of them raises an error, so each has to be tried alone.
    every = product(*(list(enumerate(ones)) for ones in lists.values()))
    return [
        tuple(at for at, _ in combination)
        for combination in islice(every, MOST_ONE_BY_ONE)
        if _runs(connection, query({name: [one] for name, one in zip(lists, combination, strict=True)}))
    ]


def _size(lists: Mapping[str, list[str]]) -> int:
    size = 1
    for ones in lists.values():
        size *= len(ones)
    return size


def _chosen(table: Table, lists: Mapping[str, list[str]], survivors: list[tuple[int, ...]]) -> list[dict[str, str]]:
    """A few of the combinations, in which each candidate occurs; columns of keys take what is new in each row."""
    in_keys = {name for key in table.keys for name in table.sources(key.columns)}
    for at, name in enumerate(lists):
        if name in in_keys and (kept := [one for one in survivors if one[at] == 0]):
            survivors = kept
    # Where no combination holds the first one is tried all the same: PostgreSQL then says what stood in the way.
    chosen = survivors[:1] or [(0,) * len(lists)]
    # What is new in each row serves better than a constant, as long as nothing else is asked for.
    if any(chosen[0]):
        patterns: dict[tuple[bool, ...], tuple[int, ...]] = {}
        for one in survivors:
            patterns.setdefault(tuple(_is_null(ones[at]) for ones, at in zip(lists.values(), one, strict=True)), one)
        chosen = list(dict.fromkeys([*chosen, *patterns.values()]))[:MOST_CHOSEN]
        seen = {place for one in chosen for place in enumerate(one)}
        for one in survivors:
            if len(chosen) < MOST_CHOSEN and {*enumerate(one)} - seen:
                seen |= {*enumerate(one)}
                chosen.append(one)
    return [{name: ones[at] for (name, ones), at in zip(lists.items(), one, strict=True)} for one in chosen]


def _is_null(expression: str) -> bool:
    return expression.startswith("(null)")


def _alternating(expressions: list[str]) -> str:
    if len({*expressions}) == 1:
        return expressions[0]
    cases = " ".join(f"when {at} then {one}" for at, one in enumerate(expressions))
    return f"case i % {len(expressions)} {cases} end"


def _runs(connection: psycopg.Connection[Any], query: str) -> list[Any] | None:
    """The rows of a query, None if PostgreSQL refuses it."""
    try:
        with connection.transaction():
            return connection.execute(query.encode()).fetchall()
    except psycopg.Error:
        return None
