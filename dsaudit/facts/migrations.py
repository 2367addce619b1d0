"""What the project's migrations do on a scratch database: tried once for all checks of a notebook.

Nothing is written to the audited database: it is asked for its schema, its revision, and how many rows it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from dsaudit import scratch
from dsaudit.database import QueryError
from dsaudit.database.addresses import audited_url, for_libpq
from dsaudit.facts import tenancy
from dsaudit.facts.relations import resources_of
from dsaudit.facts.schema.constraints import constraints
from dsaudit.facts.scratch import Tried
from dsaudit.migrating import Bench, Locks, ProjectError, Walk, locking, opened, rows, schema, using, walked
from dsaudit.migrating.model import Failure
from dsaudit.migrating.project import RevisionError
from dsaudit.migrating.schema import Difference
from dsaudit.migrating.using import Index, Inserts
from dsaudit.progress import told_by_a_kernel
from dsaudit.scratch import ScratchError
from dsaudit.scratch.model import quoted
from dsaudit.scratch.origin import asking

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Found = TypeVar("Found")
Column = tuple[str, str]  # table and name

# About as many as there are: the statistics may be older than the rows.
_SIZES = """
select n.nspname || '.' || c.relname as name,
       greatest(c.reltuples, pg_catalog.pg_stat_get_live_tuples(c.oid), 0)::bigint as rows
from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
"""


@dataclass(frozen=True)
class Models:
    """The models' columns and indexes, and in what the migrated schema differs; `problem` is why they are not known."""

    columns: Mapping[Column, Mapping[str, Any]] = field(default_factory=dict)
    indexes: tuple[Column, ...] = ()
    tables: int = 0
    differences: tuple[Mapping[str, Any], ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class Audited:
    """The revision of the audited database; `problem` is why it is not known."""

    revisions: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class Drift:
    """In what the audited database differs from the schema that its own revision makes."""

    differences: tuple[Difference, ...] = ()
    parts: int = 0
    problem: str | None = None


@dataclass(frozen=True)
class Used:
    """What the migrated schema does with many rows."""

    indexes: tuple[Index, ...] = ()
    inserts: tuple[Inserts, ...] = ()
    limits: tuple[str, ...] = ()
    problem: str | None = None


def bench(audit: Audit) -> Bench:
    """Return the project beside its scratch database, started once.

    Raises
    ------
    ProjectError, ScratchError
        It cannot be.
    """
    if "bench" not in audit.kept:
        try:
            audit.kept["bench"] = audit.hold(opened(audit.parameters, _url(audit), _schemas(audit), _roles(audit)))
        except (ProjectError, ScratchError) as error:
            audit.kept["bench"] = error
    found: Bench | Exception = audit.kept["bench"]
    if isinstance(found, Exception):
        raise found
    return found


def walk(audit: Audit) -> Walk:
    """Try every revision: up, down and up again, on empty tables and on filled ones."""

    def tried(show: Callable[[str], None]) -> Walk:
        one = bench(audit)
        return walked(one, models(audit).columns, show)

    found = _once(audit, "walk", tried, lambda problem: Walk(problem=problem))
    error = audit.kept.get("bench")
    if isinstance(error, RevisionError) and error.is_slip and not found.failures:
        found.failures.append(Failure("all", "up", "empty tables", str(error), error.told))
    return found


def locks(audit: Audit) -> Locks:
    """Measure how long each revision locks others out, at three sizes."""

    def measured(show: Callable[[str], None]) -> Locks:
        one = bench(audit)
        return locking.locked(one, sizes(audit), one.settings.lock_seconds, show)

    return _once(audit, "locks", measured, lambda problem: Locks(untried={"": problem}))


def models(audit: Audit) -> Models:
    """Hold the models against the schema after all revisions."""

    def compared(show: Callable[[str], None]) -> Models:
        one = bench(audit)
        one.at_head()
        answer = one.project.ask("models")
        if answer["tables"] is None:
            why = "env.py gives Alembic no target_metadata, so the models are not known"
            return Models(problem=f"{why}; where there are none, the file says so: migrations.models: false")
        named = [(f"{table['schema']}.{table['name']}", table) for table in answer["tables"]]
        return Models(
            {(name, column["name"]): column for name, table in named for column in table["columns"]},
            tuple((name, index) for name, table in named for index in table["indexes"]),
            len(named),
            (*answer["differences"], *_unmade_checks(dict(named), one.stage.described())),
        )

    return _once(audit, "models", compared, lambda problem: Models(problem=problem))


def _unmade_checks(models: Mapping[str, Mapping[str, Any]], there: schema.Schema) -> Iterator[Mapping[str, Any]]:
    """Yield the checks of the models that no revision makes, by their names, as Alembic tells a difference."""
    for table in sorted(models.keys() & schema.tables(there)):
        for name in models[table]["checks"]:
            if ("constraint", table, name) not in there:
                yield {"what": "add_check", "table": table.removeprefix("public."), "name": name}


def audited(audit: Audit) -> Audited:
    """Return the revision that the audited database says it has."""
    if "audited revision" not in audit.kept:
        audit.kept["audited revision"] = _audited(audit)
    found: Audited = audit.kept["audited revision"]
    return found


def drift(audit: Audit) -> Drift:
    """Hold the audited database against the schema that its own revision makes."""

    def compared(show: Callable[[str], None]) -> Drift:
        one, there = bench(audit), audited(audit)
        known = [name for name in there.revisions if name in one.names]
        if there.problem or not known:
            return Drift(problem=there.problem or "the audited database has no revision that the project knows")
        expected = one.schema_of(known)
        with asking(_url(audit)) as connection:
            found = schema.described(connection, one.versions[1])
        spaces = {table.partition(".")[0] for table in schema.tables(expected)}
        return Drift(tuple(schema.differences(expected, found, spaces)), len(expected))

    return _once(audit, "drift", compared, lambda problem: Drift(problem=problem))


def attacked(audit: Audit) -> Tried:
    """Attack the constraints of the migrated schema, on rows that were made up."""

    def tried(show: Callable[[str], None]) -> Tried:
        one = bench(audit)
        one.at_head()
        made = one.stage.secure()
        scratch.fill(made, rows.ROWS)
        short = [f"rows of {table}: {why}" for table, why in made.shortfalls.items()]
        return Tried(attacks=scratch.attacks(made), left_out=short)

    return _once(audit, "attacked", tried, lambda problem: Tried(problem=problem))


def used(audit: Audit) -> Used:
    """Look at the indexes and the inserts of the migrated schema, with as many rows as the file says."""

    def tried(show: Callable[[str], None]) -> Used:
        one = bench(audit)
        wanted = _indexes(audit, one)
        one.at_head()
        made = one.stage.secure()
        show(f"migrations: {one.settings.rows} rows for each table")
        scratch.fill(made, one.settings.rows)
        found = tuple(using.indexes(one.stage, made, wanted))
        short = tuple(f"rows of {table}: {why}" for table, why in made.shortfalls.items())
        return Used(found, tuple(using.inserts(made)), short)

    return _once(audit, "used", tried, lambda problem: Used(problem=problem))


def sizes(audit: Audit) -> dict[str, int]:
    """Return how many rows each table is reckoned with: those of the audited database, or those that the file says."""
    found = {str(row["name"]): int(row["rows"]) for row in audit.database.query(_SIZES, most=None).records}
    return found | (audit.parameters.migrations.reckoned if audit.parameters.migrations else {})


def counted(audit: Audit, table: str, condition: str = "true") -> int | str:
    """Return how many rows of an audited table meet a condition, or why that is not known."""
    source = ".".join(map(quoted, table.split(".", 1)))
    try:
        found = audit.database.query(f"select count(*) as n from {source} where ({condition})".replace("%", "%%"))
    except QueryError as error:
        return str(error)
    return int(found.records[0]["n"])


def _indexes(audit: Audit, one: Bench) -> list[Column]:
    """The indexes that the models declare, and those that revisions make from `since` on and leave."""
    before = one.schema_of(one.names[: len(one.names) - len(one.tried)][-1:])
    after = one.schema_of(one.names)
    made = [(table, name) for kind, table, name in after if kind == "index" and (kind, table, name) not in before]
    return sorted({*models(audit).indexes, *made})


def _audited(audit: Audit) -> Audited:
    try:
        space, table = bench(audit).versions
    except (ProjectError, ScratchError) as error:
        return Audited(problem=str(error))
    there = [one for one in audit.database.catalogue() if one[1] == table and space in (None, one[0])]
    if not there:
        return Audited(problem=f"the audited database has no table {table} that the auditor may read")
    source = ".".join(map(quoted, there[0]))
    try:
        found = audit.database.query(f"select version_num as name from {source}").records
    except QueryError as error:
        return Audited(problem=f"{table}: {error}")
    return Audited(tuple(sorted(str(row["name"]) for row in found)))


def _once(
    audit: Audit, name: str, make: Callable[[Callable[[str], None]], Found], failed: Callable[[str], Found]
) -> Found:
    """Do what takes long once in an audit, with its progress shown; `failed` makes what is told where it cannot be."""
    key = f"migrations {name}"
    if key not in audit.kept:
        try:
            with told_by_a_kernel(audit.run_folder) as show:
                audit.kept[key] = make(show)
        except (ProjectError, ScratchError) as error:
            audit.kept[key] = failed(str(error))
    found: Found = audit.kept[key]
    return found


def _url(audit: Audit) -> str:
    return for_libpq(audited_url(audit.parameters.database))


def _schemas(audit: Audit) -> list[str]:
    names = constraints(audit).names
    return sorted({names[oid][0] for oid in resources_of(audit) if oid in names}) or ["public"]


def _roles(audit: Audit) -> list[str]:
    return [one.name for one in tenancy.roles(audit)]
