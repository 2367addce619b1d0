"""The project's migrations, tried on a scratch database: up, down and up again, on empty tables and on filled ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsaudit.facts import migrations as facts
from dsaudit.facts.pending import pending
from dsaudit.functions import Found, Row, frames
from dsaudit.functions._walked import judged, limited
from dsaudit.functions.scratch import _attacked
from dsaudit.migrating import Bench, ProjectError, Walk
from dsaudit.migrating.model import Down, Lost, Revision
from dsaudit.migrating.schema import tables
from dsaudit.scratch import ScratchError
from dsaudit.scratch.model import quoted
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def migrations_have_one_head(audit: Audit) -> Found:
    """The project's revisions end in one.

    why: two revisions that follow the same one leave it open which schema is meant; an upgrade to the head then refuses
    requirement: PI3
    severity: critical
    needs: migrations
    key: revision
    show: revision, title, file
    explains: database_is_at_the_head, models_match_the_migrated_schema
    remedy: put one after the other by its down_revision, or merge both (alembic merge heads)
    """
    found = _bench(audit)
    if isinstance(found, str):
        return frames([], [{"examined": 0, "reason": found}])
    heads = [one for one in found.revisions if one.name in found.heads] if len(found.heads) > 1 else []
    rows = [{"revision": one.name, "title": one.title, "file": one.file} for one in sorted(heads, key=_name)]
    return frames(rows, [{"examined": len(found.revisions)}])


def database_is_at_the_head(audit: Audit) -> Found:
    """The audited database has every revision of the project.

    why: code that is newer than the schema asks for columns that are not there yet
    requirement: PI3
    severity: high
    needs: migrations
    key: revision
    show: revision, problem, title
    remedy: apply the revisions that are pending (alembic upgrade head), after the backup
    """
    found, there = _bench(audit), facts.audited(audit)
    if isinstance(found, str) or there.problem:
        return frames([], [{"examined": 0, "reason": there.problem}])
    applied = found.ancestors(there.revisions)
    rows: list[Row] = [
        {"revision": one.name, "problem": "pending", "title": one.title}
        for one in found.revisions
        if one.name not in applied
    ]
    unknown = [name for name in there.revisions if name not in found.names]
    rows += [{"revision": name, "problem": "the database has it, and the project does not know it"} for name in unknown]
    return frames(rows, [{"examined": len(found.revisions)}])


def models_match_the_migrated_schema(audit: Audit) -> Found:
    """After all revisions the schema is what the models declare: Alembic would generate no further revision.

    why: what stands in the models alone is missing in every database, and what stands there alone goes with the next
      generated revision
    requirement: PI3
    severity: high
    needs: migrations, migrations.models
    key: table, name, what
    show: table, name, what, in_the_schema, in_the_models
    remedy: generate the revision that is missing, or correct the model
    """
    found = facts.models(audit)
    rows: list[Row] = [
        {"table": one["table"], "name": one["name"], "what": _what(str(one["what"])),
         "in_the_schema": one.get("there"), "in_the_models": one.get("models")}
        for one in found.differences
    ]  # fmt: skip
    return frames(rows, [{"examined": found.tables, "reason": found.problem}])


def database_matches_the_migrated_schema(audit: Audit) -> Found:
    """The audited database has the schema that its own revision makes, and nothing that was changed by hand.

    why: what was changed by hand is in no other database, and the next revision may not apply to it
    requirement: PI3
    severity: high
    needs: migrations
    key: kind, table, name
    show: kind, table, name, problem, expected, found
    remedy: write the change down as a revision, or take it back
    """
    found = facts.drift(audit)
    rows: list[Row] = [
        {"kind": one.kind, "table": one.table, "name": one.name, "problem": one.told,
         "expected": one.expected, "found": one.found}
        for one in found.differences
    ]  # fmt: skip
    return frames(rows, [{"examined": found.parts, "reason": found.problem}])


def migrations_keep_the_data(audit: Audit) -> Found:
    """Rows keep their values when a revision is applied, taken back and applied again.

    why: a column that is dropped and made anew, or cast to a narrower type, loses its values without an error
    requirement: PI3
    severity: critical
    needs: migrations
    key: revision, table, column, way
    show: revision, table, column, way, problem, before, after
    explains: models_match_the_migrated_schema, database_matches_the_migrated_schema
    remedy: alter or rename the column instead of making it anew, or copy its values within the revision; one that is
      meant to go while another comes is dropped in a revision of its own
    """
    found = facts.walk(audit)
    rows: list[Row] = [
        {"revision": one.revision, "table": one.loss.table, "column": one.loss.column, "way": one.way,
         "problem": one.loss.problem, "before": one.loss.before, "after": one.loss.after}
        for one in found.losses
        if not one.loss.is_meant
    ]  # fmt: skip
    meant = [_meant(audit, one) for one in found.losses if one.loss.is_meant]
    nothing = "no revision that is tried finds a table with rows"
    return judged(found, rows, found.fingerprints, nothing, meant, is_none=_is_without_tables(found))


def migration_defaults_hold(audit: Audit) -> Found:
    """A column that a revision adds has its default: in rows before it that it does not fill itself, and in new ones.

    why: rows that were there before a column came are read by code that expects a value in it
    requirement: PI3
    severity: high
    needs: migrations
    key: revision, table, column
    show: revision, table, column, default, problem
    explains: migrations_apply, former_rows_are_still_accepted,
      models_match_the_migrated_schema, database_matches_the_migrated_schema
    remedy: give the column its server_default in the revision, or fill it there for the rows that are there
    """
    found = facts.walk(audit)
    rows: list[Row] = [
        {"revision": one.revision, "table": one.table, "column": one.column, "default": one.default,
         "problem": one.problem}
        for one in found.added
        if one.problem
    ]  # fmt: skip
    nothing = "no revision that is tried adds a column to a table that was there"
    return judged(found, rows, len(found.added), nothing, is_none=True)


def migration_indexes_are_used(audit: Audit) -> Found:
    """The indexes that models and revisions declare are there, valid, and used by a query for their first column.

    why: an index that was declared and never made, or that no query can use, is missed only when the table is large
    requirement: PI3
    severity: high
    needs: migrations
    key: table, index
    show: table, index, problem, rows
    explains: models_match_the_migrated_schema, database_matches_the_migrated_schema, queries_use_an_index
    remedy: make the index in a revision; one that is not valid is dropped and made anew
    """
    found = facts.used(audit)
    rows: list[Row] = [
        {"table": one.table, "index": one.name, "problem": one.problem, "rows": one.rows}
        for one in found.indexes
        if one.problem
    ]
    none = [] if found.problem or found.indexes else ["neither models nor revisions declare an index"]
    count = len(facts.bench(audit).tried) if none else len(found.indexes)
    untried = [one.untried for one in found.indexes if one.untried]
    return limited(frames(rows, [{"examined": count, "reason": found.problem}]), [*none, *untried, *found.limits])


def migration_constraints_refuse(audit: Audit) -> Found:
    """The constraints of the migrated schema refuse what they forbid: foreign keys, checks, keys, columns not null.

    why: a foreign key or a check that a revision made without enforcing it stands in the schema and keeps nothing out
    requirement: PI3
    severity: critical
    needs: migrations
    key: table, constraint
    show: table, constraint, kind, outcome, statement
    remedy: see what lets the row in, and correct the revision that makes the constraint
    """
    return _attacked(facts.attacked(audit))


def former_rows_are_still_accepted(audit: Audit) -> Found:
    """After each revision the former code still works: its rows are accepted, and its columns can be read.

    why: while a release is rolled out, the former version writes to the new schema
    requirement: PI3
    severity: high
    needs: migrations
    key: revision, table, column
    show: revision, table, column, problem
    explains: models_match_the_migrated_schema, database_matches_the_migrated_schema
    remedy: let a new column have a default or be empty; drop and rename in a later release, when no code asks any more
    """
    found = facts.walk(audit)
    rows: list[Row] = [
        {"revision": one.revision, "table": one.table, "column": one.column, "problem": one.problem}
        for one in found.former
        if one.problem
    ]
    decided = [one for one in found.former if not one.untried]
    untried = [f"{one.revision}, {one.table}: {one.untried}" for one in found.former if one.untried]
    nothing = "no revision that is tried finds a table with rows"
    return judged(found, rows, len(decided), nothing, untried, is_none=_is_without_tables(found))


def downgrades_are_complete_or_refused(audit: Audit) -> Found:
    """A downgrade brings the former schema back whatever the rows are, or it refuses and changes nothing.

    why: a downgrade is run on a bad day; one that fails on rows that came meanwhile makes the day worse
    requirement: PI3
    severity: high
    needs: migrations
    key: revision, table, column
    show: revision, table, column, problem
    explains: migrations_apply, downgrades_delete_what_is_declared
    remedy: correct a downgrade that is broken; let it delete or change the rows that do not fit first, or raise an
      error that says so, and declare it as refused
    """
    found = facts.walk(audit)
    rows = [row for one in found.downs for row in _incomplete(one)]
    told = [f"{one.revision}: refused: {one.words}" for one in found.downs if one.ending == "refused"]
    return judged(found, rows, len(found.downs), "no revision could be tried", told)


def downgrades_delete_what_is_declared(audit: Audit) -> Found:
    """A downgrade deletes the rows that were declared beforehand, and no other.

    why: who runs a downgrade has to know which rows it costs, before it is run
    requirement: PI3
    severity: critical
    needs: migrations
    key: revision, table, problem
    show: revision, table, problem, made_up_rows, declared, in_the_audited_database
    remedy: declare under migrations.downgrades what is meant to go, or let the downgrade keep the rest
    """
    found = facts.walk(audit)
    rows: list[Row] = []
    for one in found.deletions:
        about: Row = {"revision": one.revision, "table": one.table, "declared": one.condition}
        there = facts.counted(audit, one.table, one.condition) if one.condition else None
        if one.more:
            what = "deletes more than is declared" if one.condition else "deletes rows, which nothing declares"
            rows.append({**about, "problem": what, "made_up_rows": one.more, "in_the_audited_database": there})
        if one.left:
            rows.append({**about, "problem": "keeps rows that it is declared to delete", "made_up_rows": one.left,
                         "in_the_audited_database": there})  # fmt: skip
    through = [one for one in found.downs if one.ending in ("complete", "incomplete")]
    return judged(found, rows, len(through), "no downgrade went through")


def _bench(audit: Audit) -> Bench | str:
    try:
        return facts.bench(audit)
    except (ProjectError, ScratchError) as error:
        return str(error)


def _meant(audit: Audit, one: Lost) -> str:
    """Tell what a revision means to change; where it is pending and drops, how much of the audited database goes."""
    loss = one.loss
    told = f"{one.revision}: {loss.table}{'.' * bool(loss.column)}{loss.column}: {loss.problem}, as meant"
    if loss.after != "none" or one.revision not in pending(audit):
        return told
    there = facts.counted(audit, loss.table, f"{quoted(loss.column)} is not null" if loss.column else "true")
    if isinstance(there, str):
        return f"{told}; how much the audited database has there is not known: {there}"
    return f"{told}; with it {plural(there, 'value' if loss.column else 'row')} of the audited database"


def _is_without_tables(found: Walk) -> bool:
    """Whether no revision that was tried came upon a table: all that there are were made by the last one."""
    return not any(tables(made) for name, made in found.schemas.items() if name != found.tried[-1])


def _name(one: Revision) -> str:
    return one.name


def _incomplete(one: Down) -> Iterator[Row]:
    if one.ending == "failed":
        yield {"revision": one.revision, "table": one.table, "column": one.column, "problem": one.words}
    elif one.ending == "incomplete" and one.words:
        yield {"revision": one.revision, "table": "", "column": "", "problem": one.words}
    for part in one.differences if one.ending == "incomplete" else ():
        told = f"{part.kind} {part.told}"
        if part.expected and part.found:
            told += f": {part.found} where {part.expected} was"
        yield {"revision": one.revision, "table": part.table, "column": part.name, "problem": told}


def _what(kind: str) -> str:
    """Return in words what Alembic would do to the schema."""
    verb, _, rest = kind.partition("_")
    told = {"add": "in the models alone", "remove": "in the schema alone", "modify": "differs"}.get(verb, verb)
    return f"{rest.replace('_', ' ').replace('fk', 'foreign key')} {told}"
