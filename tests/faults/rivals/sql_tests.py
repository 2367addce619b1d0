"""Tests as dbt's generic ones compile to: one query each for the rows that break a rule, and none of them is good."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import psycopg
from psycopg import sql

from tests.faults.rivals.declared import Rule
from tests.faults.rivals.looking import Look


def query_of(rule: Rule) -> str:
    """The query of a rule, its values merged: for rows that should not exist."""
    return _QUERIES[rule.kind](rule)


def failed(url: str, rules: Iterable[Rule]) -> list[str]:
    """Ask each query, as `dbt test` does, and return the names of the rules that are broken or cannot be asked."""
    found = []
    with psycopg.connect(url, autocommit=True) as connection:
        for rule in rules:
            try:
                row = connection.execute(query_of(rule).encode()).fetchone()
            except psycopg.Error as error:
                found.append(f"{rule.name}: {type(error).__name__}")
                continue
            if row is not None:
                found.append(rule.name)
    return found


def sql_tests(look: Look) -> list[str]:
    """Ask the query of every rule."""
    return failed(look.url, look.rules) + look.export.refused


def literal(value: str) -> str:
    """A text as PostgreSQL reads it."""
    return sql.Literal(value).as_string(None)


def _where(rule: Rule, *more: str) -> str:
    conditions = [*more, *([rule.where] if rule.where else [])]
    return f" where {' and '.join(conditions)}" if conditions else ""


def _not_null(rule: Rule) -> str:
    return f"select * from {rule.table}{_where(rule, f'{rule.columns[0]} is null')}"


def _empty(rule: Rule) -> str:
    return f"select * from {rule.table}{_where(rule, f'{rule.columns[0]} is not null')}"


def _unique(rule: Rule) -> str:
    columns = ", ".join(rule.columns)
    known = [f"{column} is not null" for column in rule.columns]
    return f"select {columns} from {rule.table}{_where(rule, *known)} group by {columns} having count(*) > 1"


def _accepted(rule: Rule) -> str:
    (column,), values = rule.columns, ", ".join(map(literal, rule.values))
    return f"select {column}, count(*) from {rule.table}{_where(rule, f'{column} not in ({values})')} group by {column}"


def _relation(rule: Rule) -> str:
    (column,), (parent, key) = rule.columns, rule.parent
    return (
        f"select child.{column} from {rule.table} as child"
        f" left join {parent} as parent on child.{column} = parent.{key}"
        f" where child.{column} is not null and parent.{key} is null"
    )


def _types(rule: Rule) -> str:
    wanted = ", ".join(
        f"({literal(one)}, {literal(kind)})" for one, kind in zip(rule.columns, rule.values, strict=True)
    )
    return (
        f"select wanted.name from (values {wanted}) as wanted (name, type) left join pg_attribute as a"
        f" on a.attrelid = to_regclass({literal(rule.table)}) and a.attname = wanted.name and not a.attisdropped"
        " where format_type(a.atttypid, a.atttypmod) is distinct from wanted.type"
    )


def _fresh(rule: Rule) -> str:
    *groups, time = rule.columns
    newest = f"max({time}) < now() - make_interval(secs => {rule.seconds})"
    columns = ", ".join(groups)
    return f"select {columns}, max({time}) from {rule.table}{_where(rule)} group by {columns} having {newest}"


def _count(rule: Rule) -> str:
    return f"select count(*) from {rule.table}{_where(rule)} having count(*) <> {rule.rows}"


_QUERIES: dict[str, Callable[[Rule], str]] = {
    "not_null": _not_null,
    "empty": _empty,
    "unique": _unique,
    "accepted": _accepted,
    "relation": _relation,
    "types": _types,
    "fresh": _fresh,
    "count": _count,
}
