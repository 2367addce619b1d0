"""What would clean up the orphans of each relation, as statements with this system's own names.

They are offered and never executed. Each looks first, then deletes the children or empties their reference, as the
relation's delete rule would have done when the parent went, and takes it back unless somebody writes commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dsaudit.database import QueryError, RelationMissing
from dsaudit.database.expressions import deleted, literal, quoted, value_of
from dsaudit.facts.relations import Known, known
from dsaudit.parameters.resource import Relation
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit

STATEMENT = """\
begin;
select x.* from {table} as x where {condition};
{change} where {condition};
-- {count} expected: write commit for rollback where that is so
rollback;"""


@dataclass(frozen=True)
class Cleanup:
    """The orphans of one relation, and the transaction that would clean them up; `problem` says why there is none."""

    relation: str
    orphans: int = 0
    does: str = ""
    change: str = ""  # the head of the statement that does it
    statement: str = ""
    problem: str | None = None


def cleanups(audit: Audit) -> list[Cleanup]:
    """Return what would clean up each relation that has orphans, or whose orphans are not known; found once."""
    kept: list[Cleanup] | None = audit.kept.get("cleanups")
    if kept is None:
        found = [_cleanup(audit, relation, one, why) for relation, one, why in known(audit)]
        kept = audit.kept["cleanups"] = [one for one in found if one.orphans or one.problem]
    return kept


def _cleanup(audit: Audit, relation: Relation, one: Known | None, why: str | None) -> Cleanup:
    if one is None:
        return Cleanup(relation.name, problem=why)
    table = f"{quoted(one.child.schema)}.{quoted(one.child.name)}"
    try:
        condition = _condition(audit, relation, one)
        asked = f"select count(*) from {table} as x where {condition}"
        orphans = int(audit.database.query(asked).rows[0][0])
    except (QueryError, RelationMissing) as error:
        return Cleanup(relation.name, problem=str(error))
    if not orphans:
        return Cleanup(relation.name)
    does, change = _change(relation, table, quoted(one.pair[0]))
    statement = STATEMENT.format(table=table, condition=condition, change=change, count=plural(orphans, "row"))
    return Cleanup(relation.name, orphans, does, *(text.replace("%%", "%") for text in (change, statement)))


def _condition(audit: Audit, relation: Relation, one: Known) -> str:
    """Return the condition on ``x``, a child's row, that makes it an orphan; bounded to the tenants of the audit."""
    resource = audit.parameters.resources[relation.child.partition(".")[0]]
    key, parent_key = value_of(one.pair[0], one.child), value_of(one.pair[1], one.parent, "p")
    # Without a foreign key nothing says that both are of one type.
    if one.child.columns[one.pair[0]] != one.parent.columns[one.pair[1]]:
        key, parent_key = f"{key}::text", f"{parent_key}::text"
    parent = f"{quoted(one.parent.schema)}.{quoted(one.parent.name)}"
    conditions = [f"{key} is not null"] if relation.nullable else []
    conditions.append(f"not exists (select from {parent} as p where {parent_key} = {key})")
    if (gone := deleted(resource, one.child)) != "false":
        conditions.append(f"not {gone}")
    if resource.tenant and audit.parameters.tenants:
        ids = ", ".join(literal(tenant.id) for tenant in audit.parameters.tenants)
        conditions.append(f"{value_of(resource.tenant, one.child)}::text in ({ids})")
    return "\n  and ".join(conditions)


def _change(relation: Relation, table: str, column: str) -> tuple[str, str]:
    """Return what is done to the orphans, in words and as the head of a statement."""
    if relation.on_delete == "cascade":
        return "deletes them, as the rule cascade would have", f"delete from {table} as x"
    if relation.on_delete == "set_default":
        return "sets their reference to its default", f"update {table} as x set {column} = default"
    if relation.nullable:
        return "empties their reference", f"update {table} as x set {column} = null"
    return "deletes them; bring their parents back first, if you can", f"delete from {table} as x"
