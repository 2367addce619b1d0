"""A system as the rivals find it: its database, its rules, and the export of its source."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from dsaudit.parameters import Parameters, load
from examples import databases
from tests.faults.rivals.declared import Rule, Schema, rules_of, schema_of
from tests.faults.rivals.exported import Export, export, write

# Addresses are another clone's.
_CONTENTS = r"""
select coalesce(string_agg(line, '' order by line), '')
from (select md5(regexp_replace(one::text, '127\.0\.0\.1:\d+', '', 'g')) as line from {} as one) as lines
"""


@dataclass(frozen=True)
class Set_up:
    """What was known of the clean system when the tools were set up, and a database for exports."""

    parameters: Parameters
    schema: Schema
    exported_url: str


@dataclass(frozen=True)
class Look:
    """One system at one moment; the parameters are those of the set-up."""

    url: str
    exported_url: str
    parameters: Parameters
    schema: Schema
    rules: list[Rule]
    export: Export
    contents: dict[str, str]


Rival = Callable[[Look], list[str]]  # what it finds wrong, one word or more each


@contextmanager
def set_up(sample: Any) -> Iterator[Set_up]:
    """Set up on a clean sample; the database for exports is dropped with the block."""
    parameters = load(sample.parameters)
    name = f"{databases.name_of(sample.owner_url)}_exported"
    with psycopg.connect(sample.server_url, autocommit=True) as connection:
        connection.execute(f'create database "{name}"'.encode())
    try:
        url = databases.address(sample.server_url, database=name)
        yield Set_up(parameters, schema_of(sample.owner_url), url)
    finally:
        databases.drop(sample.server_url, name)


def look(sample: Any, known: Set_up) -> Look:
    """Export the source, count it, and read what there is."""
    parameters, schema = known.parameters, known.schema
    made = export(parameters, sample.environment, schema) if parameters.source else Export()
    write(known.exported_url, parameters, made, schema)
    limits = parameters.model_copy(update={"policy": load(sample.parameters).policy})
    rules = rules_of(limits, schema, made.counts)
    contents = _contents(sample.owner_url, sorted({rule.table for rule in rules}))
    return Look(sample.owner_url, known.exported_url, parameters, schema, rules, made, contents)


def _contents(url: str, tables: list[str]) -> dict[str, str]:
    """A hash of each table's rows and columns; '' where there is no such table."""
    columns, found = schema_of(url), dict.fromkeys(tables, "")
    with psycopg.connect(url) as connection:
        for table in sorted(columns.keys() & found.keys()):
            ((rows,),) = connection.execute(_CONTENTS.format(table).encode()).fetchall()
            found[table] = hashlib.sha256(f"{columns[table]}{rows}".encode()).hexdigest()
    return found
