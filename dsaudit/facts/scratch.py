"""What was tried on a scratch copy of the schema: its constraints attacked, deletions rehearsed, tenants broken into.

Nothing is written to the audited database: it is asked for its schema alone, and the rows of the copy are made up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg

from dsaudit import scratch
from dsaudit.database.addresses import audited_url, for_libpq
from dsaudit.facts import tenancy
from dsaudit.facts.relations import known, resources_of
from dsaudit.facts.schema.constraints import constraints
from dsaudit.scratch import Attack, Intrusion, Link, Rehearsal, Scratch, ScratchError

if TYPE_CHECKING:
    from dsaudit.audit import Audit

ROWS = 60  # of each table: enough for several children of one parent, and for rows of several tenants


@dataclass(frozen=True)
class Tried:
    """What came of it. `problem` is why there was no copy, `left_out` what it lacks, each with the reason."""

    attacks: list[Attack] = field(default_factory=list)
    rehearsals: list[Rehearsal] = field(default_factory=list)
    intrusions: list[Intrusion] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    problem: str | None = None


def tried_constraints(audit: Audit) -> Tried:
    """Attack the constraints of a filled copy and rehearse deletions there; once for all checks of a notebook."""
    return _once(
        audit,
        "tried_constraints",
        lambda copy: {
            "rehearsals": scratch.rehearsals(copy, list(links(audit)) or None),
            "attacks": scratch.attacks(copy),
        },
    )


def tried_tenants(audit: Audit) -> Tried:
    """Break into the tenants of a filled copy; once for all checks of a notebook."""
    return _once(audit, "tried_tenants", lambda copy: {"intrusions": [*_intrusions(audit, copy)]})


def copy_of(audit: Audit, schemas: Sequence[str]) -> Scratch:
    """Return the audit's copy of some schemas, empty at first; it is made once, and thrown away with the audit's end.

    Raises
    ------
    ScratchError
        See `dsaudit.scratch.copied`.
    """
    name = f"scratch copy of {', '.join(schemas)}"
    if name not in audit.kept:
        url, roles = for_libpq(audited_url(audit.parameters.database)), [one.name for one in tenancy.roles(audit)]
        audit.kept[name] = audit.hold(scratch.copied(url, schemas, roles))
    copy: Scratch = audit.kept[name]
    return copy


def refill(copy: Scratch, rows: int) -> None:
    """Empty every table of a copy, and give it so many rows, which are made up."""
    names = ", ".join(table.sql for table in copy.tables.values() if not table.partition_of)
    with psycopg.connect(copy.url, autocommit=True) as owner:
        owner.execute(f"truncate {names} cascade".encode())
    scratch.fill(copy, rows)


def _once(audit: Audit, name: str, attempts: Callable[[Scratch], dict[str, Any]]) -> Tried:
    if name not in audit.kept:
        audit.kept[name] = _tried(audit, attempts)
    found: Tried = audit.kept[name]
    return found


def _tried(audit: Audit, attempts: Callable[[Scratch], dict[str, Any]]) -> Tried:
    names = constraints(audit).names
    schemas = sorted({names[oid][0] for oid in resources_of(audit)})
    if not schemas:
        return Tried(problem="none of the tables that the file names is there to be copied")
    try:
        copy = copy_of(audit, schemas)
        refill(copy, ROWS)
        return Tried(**attempts(copy), left_out=[*copy.left_out, *_short(copy)])
    except ScratchError as error:
        return Tried(problem=str(error))


def _short(copy: Scratch) -> Iterator[str]:
    return (f"rows of {table}: {why}" for table, why in copy.shortfalls.items())


def links(audit: Audit) -> dict[Link, str]:
    """Return the names of the relations by their links, which have what a foreign key joins beside too."""
    found = {}
    names = constraints(audit).names
    for relation, one, _ in known(audit):
        if one and relation.on_delete:
            pairs = one.keys[0].pairs if one.keys else (one.pair,)
            child, parent = (".".join(names[table.oid]) for table in (one.child, one.parent))
            columns, keys = zip(*pairs, strict=True)
            found[Link(child, columns, parent, keys, relation.on_delete)] = relation.name
    return found


def _intrusions(audit: Audit, copy: Scratch) -> Iterator[Intrusion]:
    given = audit.parameters.tenancy
    settings = {column: given.settings[column] for column in given.columns if column in given.settings} if given else {}
    if settings:
        for role in tenancy.roles(audit):
            yield from scratch.intrusions(copy, role.name, settings)
