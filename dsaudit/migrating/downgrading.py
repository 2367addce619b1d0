"""Takes a revision back on rows of its own: what becomes of the schema, and which rows go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from dsaudit.database.errors import first_line
from dsaudit.migrating import schema
from dsaudit.migrating.bench import Bench
from dsaudit.migrating.fingerprints import keys_of
from dsaudit.migrating.model import Deletion, Down, Walk
from dsaudit.migrating.project import RevisionError
from dsaudit.migrating.stretching import Stretched, place_of, stretched
from dsaudit.scratch import Scratch

Keys = dict[str, int]


def taken_back(bench: Bench, walk: Walk, name: str, last: str, made: Scratch) -> None:
    """Take the revision `name` back, on the rows that are there, and note what came of it.

    Some of the rows get values that the former types do not hold.

    Parameters
    ----------
    last
        The revision before, whose schema is to come back.
    made
        The scratch database with its rows.
    """
    conditions, is_refused = bench.settings.deleted(name), bench.settings.is_refused(name)
    with bench.stage.owner() as connection:
        wide = list(stretched(connection, walk.schemas[last], made, conditions))
        before = {one: keys_of(connection, table) for one, table in made.tables.items() if not table.partition_of}
        meeting = _meeting(connection, walk, name, made, conditions)
    for one in wide:
        if one.untried:
            said = f"no row takes a value that {one.former} does not hold: {one.untried}"
            walk.limits.append(f"{name}: {one.table}.{one.column}: {said}")
    try:
        bench.down(name)
    except RevisionError as error:
        walk.downs.append(_not_gone(bench, walk, name, error, is_refused, wide))
        return
    now = bench.stage.secure()
    if is_refused:
        walk.downs.append(Down(name, "incomplete", "it goes through, though it is declared as refused"))
        return
    found = tuple(schema.differences(walk.schemas[last], bench.stage.described()))
    dropped = {one: sum(keys.values()) for one, keys in sorted(before.items()) if one not in now.tables and keys}
    walk.downs.append(Down(name, "incomplete" if found else "complete", differences=found, dropped=dropped))
    with bench.stage.owner() as connection:
        after = {one: keys_of(connection, now.tables[one]) for one in before if one in now.tables}
    for table, keys in after.items():
        deletion = _deletion(name, table, conditions.get(table), before[table], keys, meeting.get(table, {}))
        if deletion.deleted or deletion.meeting or table in conditions:
            walk.deletions.append(deletion)


def _meeting(
    connection: psycopg.Connection[Any], walk: Walk, name: str, made: Scratch, conditions: Mapping[str, str]
) -> dict[str, Keys]:
    """The rows that declared conditions name, by table; what cannot be asked is told."""
    found: dict[str, Keys] = {}
    for table, condition in conditions.items():
        if table not in made.tables:
            walk.limits.append(f"{name}: downgrades declares rows of {table}, which is no table of this revision")
            continue
        try:
            found[table] = keys_of(connection, made.tables[table], condition)
        except psycopg.Error as error:
            walk.limits.append(f"{name}: {table}: {condition!r} cannot be asked: {first_line(error)}")
        else:
            if not found[table]:
                walk.limits.append(f"{name}: {table}: no row that was made up meets {condition!r}")
    return found


def _not_gone(
    bench: Bench, walk: Walk, name: str, error: RevisionError, is_declared: bool, wide: Sequence[Stretched]
) -> Down:
    """How a downgrade ended that did not go through: it may refuse, if it has changed nothing."""
    halfway = tuple(schema.differences(walk.schemas[name], bench.stage.described()))
    where = place_of(error, wide)
    if halfway:
        return Down(name, "failed", f"it stops halfway: {error}", *where, differences=halfway)
    if is_declared or error.is_refusal:
        undeclared = "" if is_declared else ", which migrations.downgrades does not declare"
        return Down(name, "refused", f"{error}{undeclared}", *where)
    undeclared = "" if error.is_of_database else ", which is not declared as refused"
    return Down(name, "failed", f"{error}{undeclared}", *where)


def _deletion(name: str, table: str, condition: str | None, before: Keys, after: Keys, meeting: Keys) -> Deletion:
    """Which rows of a table went, by their keys; where keys are written in another way, by their number."""
    rows, deleted = sum(before.values()), sum(before.values()) - sum(after.values())
    named = sum(meeting.values())
    gone = {key for key in before if key not in after}
    if len(gone) != deleted:
        return Deletion(name, table, condition, rows, deleted, named, max(0, deleted - named), max(0, named - deleted))
    return Deletion(name, table, condition, rows, deleted, named, len(gone - {*meeting}), len({*meeting} - gone))
