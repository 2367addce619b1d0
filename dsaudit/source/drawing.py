"""Draws from our own tables the ids of the records that a part of an audit is about, before the source is read.

What changed since an instant is looked up by each side's own time. A sample is drawn twice. The uniform draw carries
the bound: all ids in the order of tenant and time of change, cut into as many equal pieces as records are wanted, one
drawn from each. Pieces of one size make the draw proportional, so that the bound of a simple random sample holds, and
is if anything too wide (W. Hoeffding, On the distribution of the number of successes in independent trials, 1956).
Beside it stands a draw of those records where faults like to sit, which proves nothing of the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pandas as pd

from dsaudit.database import Database
from dsaudit.database.relations import Relations
from dsaudit.parameters import Parameters

EDGE = 5  # records that are taken at each boundary
LAST_RUNS = 3  # sync runs around whose cursors records are taken

KNOWN = """
select tenant, source_id, coalesce(updated_at, refined_at) as changed_at from {refined} as f
"""
KNOWN_RAW = """
union all
select tenant, source_id, coalesce(changed_at, observed_at, received_at)
from {raw} as r where resource = %(resource_name)s
"""
CHANGED = """
select tenant, source_id
from ({known}) as k
where source_id is not null
group by tenant, source_id
having max(changed_at) >= %(since)s::timestamptz
order by tenant, source_id
"""
COUNTED = """
select count(*) as total
from (select from ({known}) as k where source_id is not null group by tenant, source_id) as x
"""
# Ids are in the order of numbers where they are numbers, which is that of most lists.
PLACED = """
select tenant, source_id, changed_at,
       row_number() over (order by tenant, changed_at nulls first, source_id) - 1 as place,
       row_number() over (partition by tenant order by length(source_id), source_id) - 1 as number,
       row_number() over (partition by tenant order by changed_at nulls last, source_id) as oldest,
       row_number() over (partition by tenant order by changed_at desc nulls last, source_id) as newest,
       count(*) over (partition by tenant) as of_tenant
from (
  select tenant, source_id, max(changed_at) as changed_at
  from ({known}) as k where source_id is not null group by tenant, source_id
) as x
"""
SAMPLED = """
select tenant, source_id, place = any(%(places)s) as uniform
from ({placed}) as p
where place = any(%(places)s) or number < %(edge)s or number >= of_tenant - %(edge)s
   or oldest <= %(edge)s or newest <= %(edge)s
   or (number %% %(page)s in (0, %(page)s - 1) and number / %(page)s = any(%(pages)s))
   {cursors}
order by tenant, source_id
"""
CURSORS = """
or exists (
  select from (
    select s.tenant, s.watermark, row_number() over (partition by s.tenant order by s.started_at desc) as age
    from {syncs} as s where s.resource = %(resource_name)s and s.watermark is not null
  ) as runs
  where runs.age <= %(last_runs)s and runs.tenant = p.tenant
    and p.changed_at between runs.watermark - interval '1 second' and runs.watermark + interval '1 second'
)
"""


@dataclass(frozen=True)
class Draw:
    """The ids drawn of one tenant and resource.

    ``uniform`` are those of the uniform draw; ``known`` is how many ids of that resource the tables know, over all
    tenants of the part.
    """

    ids: frozenset[str] = frozenset()
    uniform: frozenset[str] = frozenset()
    known: int = 0


Draws = dict[tuple[str, str], Draw]  # by tenant and resource


@dataclass
class _Drawing:
    parameters: Parameters
    database: Database
    relations: Relations
    found: Draws = field(default_factory=dict)

    def ask(self, name: str, sql: str, **values: Any) -> pd.DataFrame:
        known = KNOWN + (KNOWN_RAW if self.parameters.raw else "")
        filled = self.relations.fill(sql.replace("{known}", known), {"resource": name}, [name])
        bound = {**values, **filled.values, "resource_name": name}
        return self.database.query(filled.sql, bound, most=None).frame


def drawn(parameters: Parameters) -> Draws:
    """Draw the ids of the part from the audited database, all at one instant; of a part by no record, none.

    Raises
    ------
    DatabaseError, QueryError, RelationMissing
        The database cannot be asked.
    """
    if not parameters.part.by_record:
        return {}
    database = Database.open(parameters.database, name="dsaudit/drawing")
    try:
        with database.held_snapshot() as snapshot:
            database.snapshot = snapshot
            drawing = _Drawing(parameters, database, Relations(parameters, database.catalogue()))
            for name, resource in parameters.resources.items():
                if resource.read:
                    _draw(drawing, name)
            return drawing.found
    finally:
        database.close()


def _draw(drawing: _Drawing, name: str) -> None:
    part = drawing.parameters.part
    known = 0
    if part.since:
        frame = drawing.ask(name, CHANGED, since=part.since).assign(uniform=False)
    else:
        known = int(drawing.ask(name, COUNTED)["total"][0])
        if not known:
            return
        frame = _sampled(drawing, name, known)
    for tenant, own in frame.groupby("tenant"):
        ids, uniform = own["source_id"], own["uniform"].astype(bool)
        drawing.found[str(tenant), name] = Draw(frozenset(ids), frozenset(ids[uniform]), known)


def _sampled(drawing: _Drawing, name: str, known: int) -> pd.DataFrame:
    parameters, part = drawing.parameters, drawing.parameters.part
    random = Random(f"{part.seed} {name}")
    size = min(part.sample, known)
    places = [random.randrange(piece * known // size, (piece + 1) * known // size) for piece in range(size)]
    page = parameters.source.page_size if parameters.source else 1
    values: Mapping[str, Any] = {
        "places": places, "edge": EDGE, "last_runs": LAST_RUNS, "page": page,
        "pages": random.choices(range(known // page + 1), k=EDGE),
    }  # fmt: skip
    told = parameters.syncs is not None and "watermark" in parameters.syncs.columns
    sql = SAMPLED.replace("{placed}", PLACED).replace("{cursors}", CURSORS if told else "")
    return drawing.ask(name, sql, **values)
