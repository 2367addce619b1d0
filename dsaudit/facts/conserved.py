"""The rows of each parent at each hop, beside the numbers that have to be the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsaudit.database.expressions import column_of, deleted, id_of, row_id
from dsaudit.parameters.apis import relation_of

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.database import Database, TableInfo
    from dsaudit.parameters.conserved import Conserved, Hop

KEPT = "conserved"


@dataclass(frozen=True)
class Count:
    """The rows of one parent at one hop, and the number that they are compared with, None where there is none.

    `told_by` says where the number stands. It is judged where the hop itself declares the number.
    """

    hop: str
    resource: str
    rows: int
    told: int | None
    told_by: str | None
    is_judged: bool

    @property
    def differs(self) -> bool:
        """Whether it is judged, and the two numbers are not the same."""
        return self.is_judged and self.rows != self.told


@dataclass(frozen=True)
class Counted:
    """One parent, such as an import, with what is counted at each hop."""

    tenant: str
    source_id: str
    row_id: str
    is_settled: bool
    hops: list[Count]


def chains(audit: Audit) -> list[Conserved]:
    """Return the declared hops of the resources that are part of the audit."""
    return [one for one in audit.parameters.conserved if one.resource in audit.parameters.resources]


def counted(audit: Audit, chain: Conserved) -> list[Counted]:
    """Return all parents of a chain at the audit's instant, by tenant and id.

    Raises
    ------
    QueryError, RelationMissing
        The database does not answer, or lacks what is declared.
    """
    known = audit.kept.setdefault(KEPT, {})
    if chain.resource not in known:
        known[chain.resource] = _read(audit, chain, audit.database, None)
    found: list[Counted] = known[chain.resource]
    return found


def counted_now(audit: Audit, chain: Conserved, source_id: str) -> Counted | None:
    """Return one parent as it is now, None where there is none; raises as `counted` does."""
    return next(iter(_read(audit, chain, audit.database.now(), source_id)), None)


def _read(audit: Audit, chain: Conserved, reader: Database, only: str | None) -> list[Counted]:
    resource = audit.parameters.whole.resources[chain.resource]
    table = audit.relations.whole.table(resource.table)
    own, counts, joins = [f"{row_id(resource, table)} as own_row"], [], ""
    own.append(f"coalesce(({chain.settled}\n), false) as settled" if chain.settled else "true as settled")
    for number, hop in enumerate(chain.hops):
        key, rows = _rows(audit, hop)
        written = hop.counted_by or _of_its_relation(audit, hop)
        own += [f"{key} as k{number}", f"({written or 'null'}\n)::bigint as told{number}"]
        counts += [f"coalesce(h{number}.rows, 0) as rows{number}", f"o.told{number}"]
        # Of one parent its own rows alone are counted, so that an index serves.
        counting = (
            f"select up, count(*) as rows from ({rows}) as r group by up"
            if only is None
            else f"select o.k{number} as up, count(*) as rows from ({rows}) as r where r.up = o.k{number}"
        )
        joins += f"\nleft join lateral ({counting}) as h{number} on h{number}.up = o.k{number}"
    one = "" if only is None else " and s.source_id = %(only_one)s"
    query = (
        f"select s.tenant, s.source_id, s.row_id, o.settled, {', '.join(counts)}\nfrom {{refined}} as s\n"
        f"join (select {', '.join(own)} from {{table}} as x) as o on o.own_row = s.row_id{joins}\n"
        f"where not s.deleted{one}\norder by s.tenant, s.source_id, s.row_id"
    )
    narrowed = None if only is None else [only]
    filled = audit.relations.of_lists.fill(query, {"resource": chain.resource}, [chain.resource], narrowed)
    bound = {**audit.values(), **filled.values, "only_one": only}
    return [_counted(chain, row, audit) for row in reader.query(filled.sql, bound, most=None).records]


def _counted(chain: Conserved, row: dict[str, Any], audit: Audit) -> Counted:
    rows = {hop.hop: int(row[f"rows{number}"]) for number, hop in enumerate(chain.hops)}
    hops = []
    for number, hop in enumerate(chain.hops):
        written = row[f"told{number}"]
        told_by = hop.counted_by or _of_its_relation(audit, hop) or hop.as_many_as
        told = rows[hop.as_many_as] if hop.as_many_as else None if written is None else int(written)
        # A number that is not written is none at all; see parents_count_their_children.
        told = 0 if told is None and hop.counted_by else told
        hops.append(Count(hop.hop, hop.resource, rows[hop.hop], told, told_by, hop.is_judged))
    return Counted(row["tenant"], row["source_id"], row["row_id"], bool(row["settled"]), hops)


def _of_its_relation(audit: Audit, hop: Hop) -> str | None:
    """Return the column in which the parent counts all rows of a hop, as its relation declares it."""
    if hop.is_judged or hop.where or len(hop.through) > 1:
        return None
    relation = relation_of(audit.parameters.whole, hop.through[0])
    return relation.counted_by if relation else None


def _rows(audit: Audit, hop: Hop) -> tuple[str, str]:
    """Return the parent's key of a hop, and the query of its rows with the key of each as ``up``."""
    steps = list(_steps(audit, hop))
    conditions = ["true"] * (len(steps) - 1) + [f"({hop.where}\n)" if hop.where else "true"]
    parts, joined = [], ""
    for number, (_, child, table, up, _) in enumerate(steps):
        resource = audit.parameters.whole.resources[child]
        down = f", {steps[number + 1][0]} as down" if number + 1 < len(steps) else ""
        source = audit.relations.whole.fill("{table}", {"resource": child}).sql
        held = f"not {deleted(resource, table)} and {conditions[number].replace('%', '%%')}"
        parts.append(f"(select {up} as up{down} from {source} as x where {held}) as c{number}")
        joined += parts[0] if number == 0 else f" join {parts[number]} on c{number}.up = c{number - 1}.down"
    return steps[0][0], f"select c0.up from {joined}"


def _steps(audit: Audit, hop: Hop) -> Iterator[tuple[str, str, TableInfo, str, str]]:
    """Yield of each relation on the way the parent's column, the child, its table, its column, and their type."""
    for name in hop.through:
        relation = relation_of(audit.parameters.whole, name)
        assert relation is not None  # the file is refused otherwise
        (child, _, column), (parent, _, key) = (end.partition(".") for end in (relation.child, relation.parent))
        table = audit.relations.whole.table(audit.parameters.whole.resources[child].table)
        above = audit.relations.whole.table(audit.parameters.whole.resources[parent].table)
        ends = column_of(key, above), column_of(column, table)
        if above.columns.get(key) != table.columns.get(column):  # as text, what is called otherwise is the same
            ends = id_of(key, above), id_of(column, table)
        yield ends[0], child, table, ends[1], table.columns[column]
