"""Walks through the revisions: each is applied to empty tables and to filled ones, taken back, and applied again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dsaudit.migrating import rows, schema
from dsaudit.migrating.bench import HEAD, Bench
from dsaudit.migrating.demands import demands
from dsaudit.migrating.downgrading import taken_back
from dsaudit.migrating.fingerprints import (
    Loss,
    Prints,
    losses,
    renamed_columns,
    renamed_tables,
    taken,
    unmeant,
    updated_columns,
)
from dsaudit.migrating.fitting import fitted
from dsaudit.migrating.model import Added, Failure, Lost, Walk, Way
from dsaudit.migrating.project import Answer, RevisionError
from dsaudit.progress import Progress
from dsaudit.scratch import Scratch, Table

BASE, FILLED = "base", "filled"  # copies: after a revision, with the rows that revisions bring, and with rows made up
NOT_NULL = "23502"
Models = Mapping[tuple[str, str], Mapping[str, Any]]


def walked(bench: Bench, models: Models, show: Progress) -> Walk:
    """Try each revision from `since` on, and return all that came of it.

    Parameters
    ----------
    models
        The models' columns by table and name, each with its default and whether it may be empty.
    """
    walk, tried = Walk(tried=bench.tried), bench.tried
    before = bench.names[: len(bench.names) - len(tried)]
    bench.start_over()
    if not _went(bench, walk, before, "up", "empty tables"):
        return walk
    walk.schemas[""] = bench.stage.described()
    bench.stage.keep(BASE)
    former = rows.filled(bench.stage)
    bench.stage.keep(f"{FILLED}0")
    last = ""
    for number, name in enumerate(tried, 1):
        show(f"migrations: {name}, {number} of {len(tried)}")
        bench.stage.take(BASE)
        if not (went := _went(bench, walk, [name], "up", "empty tables")):
            return walk
        _note(bench, walk, name, went)
        walk.schemas[name] = bench.stage.described()
        walk.changes[name] = list(schema.differences(walk.schemas[last], walk.schemas[name]))
        bench.stage.keep(BASE)
        made = rows.filled(bench.stage, conditions=bench.settings.deleted(name))
        walk.demands += demands(name, former.tables, made.tables, walk.schemas[name])
        walk.limits += [f"{name}: rows of {table}: {why}" for table, why in made.shortfalls.items()]
        if name != tried[-1]:
            bench.stage.keep(f"{FILLED}{number % 2}")
        taken_back(bench, walk, name, last, made)
        bench.stage.take(f"{FILLED}{(number + 1) % 2}")
        _with_rows(bench, walk, name, last, former, models)
        last, former = name, made
    if HEAD not in bench.stage.kept:
        bench.stage.restore(BASE)
        bench.stage.keep(HEAD)
    show("migrations: all the way down and up again")
    _down_and_up(bench, walk)
    return walk


def _went(bench: Bench, walk: Walk, names: list[str], way: Way, on: str) -> Answer | None:
    """Apply revisions and return what is told of it; of a failure None, which is noted."""
    try:
        walk.steps += len(names)
        return {"statements": [], **bench.up(names)}
    except RevisionError as error:
        at = str(error.told.get("revision") or (names[-1] if names else "none"))
        walk.failures.append(Failure(at, way, on, str(error), error.told))
        return None


def _note(bench: Bench, walk: Walk, name: str, told: Mapping[str, Any]) -> None:
    """Note a revision's own statements, which may be others where there are rows."""
    own = [one for one in told.get("statements", ()) if bench.versions[1] not in one]
    walk.statements[name] = list(dict.fromkeys([*walk.statements.get(name, ()), *own]))


def _with_rows(bench: Bench, walk: Walk, name: str, last: str, former: Scratch, models: Models) -> None:
    """Apply a revision to rows of the former one, look at them, take it back and apply it again."""
    stage = bench.stage
    went, tables, before, new = _applied(bench, walk, name, former)
    if went is None:
        added = rows.added_columns(walk.schemas[last], walk.schemas[name])
        failure = walk.failures[-1] = _placed(walk.failures[-1], former, added)
        walk.added += _without_default(failure, models)
        if not failure.is_about_rows:
            return
        former = fitted(bench, name, walk.changes[name])
        went, tables, before, new = _applied(bench, walk, name, former)
        if went is None:
            walk.failures.pop()  # one is enough
            return
        walk.failures[-1] = replace(failure, lets_others=True)
    added = rows.added_columns(walk.schemas[last], walk.schemas[name], went["statements"])
    now = stage.secure()
    after, places, loss = _compared(bench, tables, now, went["statements"], before)
    walk.fingerprints += sum(map(len, after.values()))
    with stage.owner() as connection:
        for number, one in enumerate(loss):
            if one.column and one.column not in after[one.table] and before[one.table][one.column].distinct:
                place = places[one.table]
                new_ones = [column for table, column in added if table == place]
                loss[number] = unmeant(connection, one, tables[one.table], now.tables[place], new_ones)
    walk.losses += [Lost(name, "up", one) for one in loss]
    walk.former += rows.accepted(name, former, new, stage)
    there = [(table, column) for table, column in added if table in now.tables]
    walk.added += rows.defaults(name, stage, now, there, models, new, former, went["statements"])
    touched = {(one.table, one.column) for one in loss}
    try:
        statements = bench.down(name)["statements"]
    except RevisionError:
        return  # told where downgrades are judged
    back = stage.secure()
    held = {one: one for one in tables if one in back.tables}
    found = _prints(bench, {one: tables[one] for one in held}, held, back)
    updated = {one: updated_columns(statements, one) for one in held}
    gone = [one for one in losses(before, found, held, updated) if (one.table, one.column) not in touched]
    # Rows that a downgrade deletes, and tables that it drops, are judged where it is taken back.
    walk.losses += [Lost(name, "down", one) for one in gone if one.column]
    if _went(bench, walk, [name], "up again", "rows") is None or any(not one.column for one in gone):
        return
    again = _prints(bench, {one: tables[one] for one in places}, places, stage.secure(), went["statements"])
    touched = {(one.table, one.column) for one in gone}
    lost = [one for one in losses(after, again, places, {}) if (one.table, one.column) not in touched]
    walk.losses += [Lost(name, "up again", one) for one in lost if not one.is_meant]


def _applied(
    bench: Bench, walk: Walk, name: str, former: Scratch
) -> tuple[Answer | None, dict[str, Table], dict[str, Prints], rows.Rows]:
    """Apply a revision to rows; what is told of it, the former tables, their fingerprints and a new row of each."""
    tables = {one: table for one, table in former.tables.items() if not table.partition_of}
    before, new = _prints(bench, tables, {}), rows.former_rows(former)
    went = _went(bench, walk, [name], "up", "rows")
    _note(bench, walk, name, walk.failures[-1].told if went is None else went)
    return went, tables, before, new


def _prints(
    bench: Bench,
    tables: Mapping[str, Table],
    places: Mapping[str, str],
    now: Scratch | None = None,
    statements: list[str] | None = None,
) -> dict[str, Prints]:
    """Fingerprints by the former names of tables and columns."""
    with bench.stage.owner() as connection:
        return {
            name: taken(
                connection,
                now.tables[places.get(name, name)] if now else table,
                table,
                renamed_columns(statements or [], places.get(name, name)) | renamed_columns(statements or [], name),
            )
            for name, table in tables.items()
        }


def _compared(
    bench: Bench, tables: Mapping[str, Table], now: Scratch, statements: list[str], before: Mapping[str, Prints]
) -> tuple[dict[str, Prints], dict[str, str], list[Loss]]:
    """Fingerprints after an upgrade, the tables that are there by their former names, and what is not the same."""
    renamed = renamed_tables(statements)
    places = {name: new for name in tables if (new := renamed.get(name, name)) in now.tables}
    after = _prints(bench, {name: tables[name] for name in places}, places, now, statements)
    updated = {name: updated_columns(statements, name) | updated_columns(statements, places[name]) for name in places}
    return after, places, list(losses(before, after, places, updated))


def _placed(failure: Failure, former: Scratch, added: list[tuple[str, str]]) -> Failure:
    """Tell of which column a failure is, where it is for a value that is lacking."""
    if failure.told.get("sqlstate") != NOT_NULL:
        return failure
    named, column = failure.told.get("table"), str(failure.told.get("column") or "")
    table = next((name for name, one in former.tables.items() if one.name == named), "")
    return replace(failure, table=table, column=column, is_new=(table, column) in added)


def _without_default(failure: Failure, models: Models) -> list[Added]:
    """Tell the column for want of whose default a revision could not be applied to rows."""
    if not failure.is_new:
        return []
    default = models.get((failure.table, failure.column), {}).get("default")
    problem = "it has no default for the rows that are there"
    return [Added(failure.revision, failure.table, failure.column, default, problem)]


def _down_and_up(bench: Bench, walk: Walk) -> None:
    """Take all revisions back on empty tables, as far as they let it, and apply them again."""
    bench.stage.restore(BASE)
    gone: list[str] = []
    for name in reversed(walk.tried):
        try:
            walk.steps += 1
            bench.down(name)
        except RevisionError as error:
            if not error.is_refusal and not bench.settings.is_refused(name):
                walk.failures.append(Failure(name, "down", "empty tables", str(error), error.told))
            break
        gone.append(name)
    for name in reversed(gone):
        if _went(bench, walk, [name], "up again", "empty tables") is None:
            return
    for one in schema.differences(walk.schemas[walk.tried[-1]], bench.stage.described()):
        words = f"{one.kind} {one.name or one.table} of {one.table} {one.told} after down and up"
        walk.failures.append(Failure(walk.tried[-1], "up again", "empty tables", words))
