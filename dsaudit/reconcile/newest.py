"""Of a large resource, the few records that tell whether changes arrive: the newest, and those that never came.

Each function returns a resource on all sides. A small one is whole; of a large one it holds no more than what may be
the answer, and whoever asks decides on each of these as on any other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dsaudit.database import SnapshotLost
from dsaudit.reconcile.dated import dated, microseconds, pour
from dsaudit.reconcile.settled import CAME_TO_REFINED
from dsaudit.reconcile.sides import Key, Sides, is_held_whole, sides, sides_of
from dsaudit.reconcile.streams import Connection

if TYPE_CHECKING:
    from dsaudit.audit import Audit

LATEST = """
select tenant, max({'changed': changed, 'source_id': source_id}).source_id
from source where changed is not null group by tenant
"""

RECEIVED = """
select tenant::text as tenant, source_id::text as source_id, max(received_at) as last_at,
       min(received_at) filter (where not deleted) as first_at, min(changed_at) filter (where not deleted) as oldest
from {raw} as r
where resource = %(resource_name)s and tenant = any(%(good)s) and source_id is not null
group by 1, 2
"""
KEYS = "select tenant::text as tenant, source_id::text as source_id from ({sql}) as keys where source_id is not null"
REFINED_KEYS = "select distinct tenant, source_id from {refined} as f"
# Superset of what `Sides.in_flight` calls so: what came since the reading began, by its raw rows, and where it has
# none, by its refined ones. A nested record that we have no row of may be in flight with the record it stands in.
DOUBTFUL = """
create table doubtful as
select tenant, source_id from received where epoch_us(last_at) >= ?
union select tenant, source_id from came anti join received using (tenant, source_id)
"""
UNREFINED = "insert into doubtful select tenant, source_id from source anti join refined using (tenant, source_id)"
# $updated: a webhook tells of changes; $created: of new records. Where it does not, an older state proves that a record
# is not new.
DUE = """
create table due as
select s.tenant, s.source_id, case when $updated then s.changed end as changed, epoch_us(r.first_at) as first_at,
       d.source_id is not null as is_doubtful
from source as s
left join received as r using (tenant, source_id)
left join doubtful as d using (tenant, source_id)
where $created or epoch_us(r.oldest) < s.changed
"""
# Of each tenant the newest record that is surely not in flight, with all that changed in the same moment; and what may
# be in flight and is no older. What changed before the first reading came with it: of that one record will do.
NEWEST = """
with firsts as (select tenant, min(first_at) as first_at from received group by tenant),
tops as (select tenant, max(changed) as top from due where not is_doubtful group by tenant)
select tenant, source_id
from due left join tops using (tenant) left join firsts using (tenant)
where changed = top and top > epoch_us(firsts.first_at) or is_doubtful and changed >= coalesce(top, changed)
union
select tenant, min(source_id) from due join tops using (tenant) where changed = top and not is_doubtful group by tenant
"""
# Where nothing is dated, the record that came last.
LAST = """
with undated as (
  from due anti join (from due where not is_doubtful and changed is not null) as dated using (tenant)
  where first_at is not null
), lasts as (
  select tenant, max({'at': first_at, 'source_id': source_id}) as last
  from undated where not is_doubtful group by tenant
)
select tenant, source_id
from undated left join lasts using (tenant)
where source_id = last.source_id or is_doubtful and first_at >= coalesce(last.at, first_at)
"""

NEWEST_RAW = """
select distinct on (tenant, source_id) tenant::text as tenant, source_id::text as source_id, changed_at
from {raw} as r
where resource = %(resource_name)s and tenant = any(%(good)s) and source_id is not null
order by tenant, source_id, version desc
"""
AHEAD = """
select s.tenant, s.source_id
from source as s
join (select unnest(?::varchar[]) as tenant, unnest(?::bigint[]) as since) as b using (tenant)
left join newest_raw as r using (tenant, source_id)
where s.changed > b.since and (r.source_id is null or epoch_us(r.changed_at) < s.changed)
"""


def latest(audit: Audit, name: str) -> Sides:
    """Return a resource with the dated record of each tenant that changed last; of several the one of the last id."""
    if whole := _whole(audit, name):
        return whole
    with dated(audit, name) as connection:
        keys = _keys(connection, LATEST)
    return sides_of(audit, name, keys)


def newest_due(audit: Audit, name: str, told: Collection[str]) -> Sides:
    """Return a resource with the newest records of each tenant that webhooks tell of, and what may be in flight above.

    `told` says of what they tell: ``create``, ``update``. Where no record is dated, it is the one that came last.
    """
    if whole := _whole(audit, name):
        return whole
    if not told or not audit.parameters.has_raw_rows(name):
        return sides_of(audit, name, set())
    with dated(audit, name) as connection:
        _pour_doubtful(connection, audit, name)
        connection.execute(DUE, {"updated": "update" in told, "created": "create" in told})
        keys = _keys(connection, NEWEST) | (_keys(connection, LAST) if "create" in told else set())
    return sides_of(audit, name, keys)


def ahead_of_raw(audit: Audit, name: str, since: Mapping[str, datetime]) -> Sides:
    """Return a resource with the records that changed after their tenant's time `since`, and of which raw has no state.

    A tenant without a time has none.
    """
    if whole := _whole(audit, name):
        return whole
    if not since:
        return sides_of(audit, name, set())
    with dated(audit, name) as connection:
        pour(connection, audit, name, NEWEST_RAW, "newest_raw")
        keys = _keys(connection, AHEAD, [list(since), [microseconds(one) for one in since.values()]])
    return sides_of(audit, name, keys)


def _whole(audit: Audit, name: str) -> Sides | None:
    """Return a small resource on all sides, or None; of one whose table is lost nothing tells what has arrived."""
    if not is_held_whole(audit, name):
        return None
    found = sides(audit, name)
    if found.lost:
        raise SnapshotLost(found.lost)
    return found


def _pour_doubtful(connection: Connection, audit: Audit, name: str) -> None:
    """Make the tables ``received``, what the raw table tells of each key, and ``doubtful``, what may be in flight."""
    since = audit.source.started - timedelta(seconds=audit.parameters.policy.clock_error_seconds)
    pour(connection, audit, name, RECEIVED, "received")
    pour(connection, audit, name, KEYS.replace("{sql}", CAME_TO_REFINED), "came", since=since)
    connection.execute(DOUBTFUL, [microseconds(since)])
    if audit.parameters.resources[name].nested:
        pour(connection, audit, name, KEYS.replace("{sql}", REFINED_KEYS), "refined")
        connection.execute(UNREFINED)


def _keys(connection: Connection, sql: str, values: object = None) -> set[Key]:
    return set(connection.execute(sql, values).fetchall())
