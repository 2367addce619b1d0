"""How long rows are under way, by kind: from one instant of each to another, as the file's `durations` names them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsaudit.database import QueryError, RelationMissing
from dsaudit.database.expressions import as_text, cast, deleted, quoted, value_of, where
from dsaudit.parameters.duration import Duration

if TYPE_CHECKING:
    from dsaudit.audit import Audit

MOST_KINDS = 20  # of one resource that are told apart; more are no kinds, and come together as the others
OTHERS = "all others"

QUERY = """
with told as (
  select {kind} as kind, {begun} as begun, {ended} as ended from {table} as x{where}
), timed as (
  select kind, ended, extract(epoch from ended - begun)::float8 as seconds from told where begun is not null
), ranked as (
  select kind, row_number() over (order by count(*) desc, kind) as place from timed group by kind
)
select case when place <= %(most)s then ranked.kind end as kind, place > %(most)s as is_rest, count(*) as count,
       count(*) filter (where ended is null) as unfinished, count(*) filter (where seconds < 0) as backwards,
       percentile_cont(0.5) within group (order by seconds) filter (where seconds >= 0) as median,
       percentile_cont(0.95) within group (order by seconds) filter (where seconds >= 0) as p95,
       max(seconds) filter (where seconds >= 0) as longest
from timed join ranked on ranked.kind is not distinct from timed.kind
group by 1, 2
order by 2, count desc, 1
"""


@dataclass(frozen=True)
class Taken:
    """What the rows of one kind took, in seconds: those that have ended, and not before they began.

    `count` are all that have begun, `unfinished` those that have not ended, `backwards` those that ended before they
    began; `problem` says why nothing is known.
    """

    resource: str
    kind: str = ""
    count: int = 0
    unfinished: int = 0
    backwards: int = 0
    median: float | None = None
    p95: float | None = None
    longest: float | None = None
    problem: str | None = None


def durations(audit: Audit) -> list[Taken]:
    """Return what the rows of each declared duration took, by kind; measured once."""
    known: list[Taken] | None = audit.kept.get("durations")
    if known is None:
        given = [one for one in audit.parameters.durations if one.resource in audit.parameters.resources]
        known = audit.kept["durations"] = [taken for one in given for taken in _taken(audit, one)]
    return known


def _taken(audit: Audit, one: Duration) -> Iterator[Taken]:
    try:
        rows = _asked(audit, one)
    except (QueryError, RelationMissing) as error:
        yield Taken(one.resource, problem=str(error))
        return
    for row in rows:
        kind = OTHERS if row.pop("is_rest") else row["kind"] if row["kind"] is not None else "none" if one.by else ""
        yield Taken(one.resource, **{**row, "kind": kind})


def _asked(audit: Audit, one: Duration) -> list[dict[str, Any]]:
    resource = audit.parameters.resources[one.resource]
    table = audit.relations.table(resource.table)
    kind = as_text(value_of(one.by, table), table.columns.get(one.by, "text")) if one.by else "null::text"
    conditions = [] if deleted(resource, table) == "false" else [f"not {deleted(resource, table)}"]
    if audit.parameters.part.tenants and resource.tenant:
        conditions.append(f"({value_of(resource.tenant, table)})::text = any(%(tenants)s)")
    query = QUERY.format(
        kind=kind,
        begun=cast(one.from_, table, "timestamptz"),
        ended=cast(one.to, table, "timestamptz"),
        table=f"{quoted(table.schema)}.{quoted(table.name)}",
        where=where(conditions),
    )
    values = {"most": MOST_KINDS, "tenants": [tenant.id for tenant in audit.parameters.tenants]}
    return audit.database.query(query, values, most=None).records
