"""What was tried on a scratch copy of the schema: its constraints attacked, deletions rehearsed, tenants broken into.

Nothing is written to the audited database: it is asked for its schema alone, and the rows of the copy are made up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
    """What came of it all. `problem` is why there was no copy, `left_out` what it lacks, each with the reason."""

    attacks: list[Attack] = field(default_factory=list)
    rehearsals: list[Rehearsal] = field(default_factory=list)
    intrusions: list[Intrusion] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    problem: str | None = None


def tried(audit: Audit) -> Tried:
    """Make the copy, fill it, try everything on it, and throw it away; once for all checks of a notebook."""
    found: Tried | None = audit.kept.get("tried")
    if found is None:
        found = audit.kept["tried"] = _tried(audit)
    return found


def _tried(audit: Audit) -> Tried:
    names = constraints(audit).names
    schemas = sorted({names[oid][0] for oid in resources_of(audit)})
    if not schemas:
        return Tried(problem="none of the tables that the file names is there to be copied")
    roles = [one.name for one in tenancy.roles(audit)]
    url = for_libpq(audited_url(audit.parameters.database))
    try:
        with scratch.copied(url, schemas, roles) as copy:
            scratch.fill(copy, ROWS)
            rehearsed = scratch.rehearsals(copy, list(_links(audit)) or None)
            return Tried(
                scratch.attacks(copy), rehearsed, [*_intrusions(audit, copy, roles)], [*copy.left_out, *_short(copy)]
            )
    except ScratchError as error:
        return Tried(problem=str(error))


def _short(copy: Scratch) -> Iterator[str]:
    return (f"rows of {table}: {why}" for table, why in copy.shortfalls.items())


def _links(audit: Audit) -> Iterator[Link]:
    """Yield the relations of the file as the copy knows them, with the columns that a foreign key has beside them."""
    names = constraints(audit).names
    for relation, one, _ in known(audit):
        if one and relation.on_delete:
            pairs = one.keys[0].pairs if one.keys else (one.pair,)
            child, parent = (".".join(names[table.oid]) for table in (one.child, one.parent))
            columns, keys = zip(*pairs, strict=True)
            yield Link(child, columns, parent, keys, relation.on_delete)


def _intrusions(audit: Audit, copy: Scratch, roles: list[str]) -> Iterator[Intrusion]:
    given = audit.parameters.tenancy
    settings = {column: given.settings[column] for column in given.columns if column in given.settings} if given else {}
    if settings:
        for role in roles:
            yield from scratch.intrusions(copy, role, settings)
