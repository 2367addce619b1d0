"""What stands in the tables now, row by row, before and after a sync."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg import sql

from dsaudit.database import QueryError, RelationMissing

if TYPE_CHECKING:
    from dsaudit.audit import Audit

# When and out of which raw row a row was written is no part of what it says.
ROWS = """
select tenant, resource, source_id, updated_at,
       md5((to_jsonb(r) - 'row_id' - 'refined_at' - 'built_from')::text) as content
from {refined} as r
"""
VERSIONS = "select x.xmin::text as version, count(*) as rows from {table} as x group by 1"
DOMAINS = "select count(distinct {}) as domains from {{refined}} as r"
Key = tuple[str, str, str]  # tenant, resource and source id


@dataclass
class State:
    """The refined rows at one time.

    ``contents`` has for each key the contents of its rows, ``changed`` when the source changed it as its row says, and
    ``versions`` how many rows each transaction has written last, None where a view stands in a table's place;
    ``domains`` is how many different ones there are, None where no column holds any.
    """

    at: datetime
    contents: dict[Key, Counter[str]] = field(default_factory=dict)
    changed: dict[Key, datetime | None] = field(default_factory=dict)
    versions: dict[str, int] | None = field(default_factory=dict)
    domains: int | None = None

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(one.total() for one in self.contents.values())


def state(audit: Audit) -> State:
    """Return the rows of all resources that are synced, as they are now.

    Raises
    ------
    QueryError, RelationMissing
        They cannot be read.
    """
    found = State(_now(audit))
    for name in synced(audit):
        for row in _query(audit, ROWS, name):
            key = row["tenant"], row["resource"], row["source_id"]
            found.contents.setdefault(key, Counter())[row["content"]] += 1
            found.changed[key] = row["updated_at"]
        for column in audit.parameters.resources[name].domains:
            counted = sql.SQL(DOMAINS).format(sql.Identifier(column)).as_string(None)
            found.domains = (found.domains or 0) + _query(audit, counted, name)[0]["domains"]
        if found.versions is not None:
            try:
                for row in _query(audit, VERSIONS, name):
                    found.versions[f"{name} {row['version']}"] = row["rows"]
            except (QueryError, RelationMissing):
                found.versions = None
    return found


def synced(audit: Audit) -> list[str]:
    """Return the resources that a sync writes by itself: those that name its function, or all."""
    named = [name for name, one in audit.parameters.resources.items() if one.sync]
    return named or list(audit.parameters.resources)


def figures(one: State) -> dict[str, int]:
    """Return rows, ids and domains, each different one once, which the results show before and after a sync."""
    return {"rows": one.rows, "ids": len(one.contents), **({} if one.domains is None else {"domains": one.domains})}


def added(earlier: State, later: State) -> int:
    """Return how many records are in the tables that were not."""
    return len(later.contents.keys() - earlier.contents.keys())


def written(earlier: State, later: State) -> int | None:
    """Return how many rows were written in between, be it with what stood there; None where nothing tells."""
    if earlier.versions is None or later.versions is None:
        return None
    return sum(rows for version, rows in later.versions.items() if version not in earlier.versions)


def differences(audit: Audit, earlier: State, later: State, frozen: datetime) -> tuple[list[dict[str, Any]], int]:
    """Return what became of the rows in between, and how many records were left out as the source changed them.

    A record is left out where its row says that the source changed it after `frozen`: it may be new, or be written
    anew. What has the same key twice is never new.

    Returns
    -------
    tuple
        Lines with tenant, resource, source_id and kind (``inserted again``, ``inserted``, ``changed``, ``vanished``),
        rows_before and rows_after; and the number left out.
    """
    margin = timedelta(seconds=audit.parameters.policy.clock_error_seconds)
    found, left_out = [], 0
    for key in sorted({*earlier.contents, *later.contents}):
        before, after = earlier.contents.get(key, Counter()), later.contents.get(key, Counter())
        if before == after:
            continue
        kind = _kind(before, after)
        changed = later.changed.get(key)
        if kind in ("inserted", "changed") and changed and changed >= frozen - margin:
            left_out += 1
            continue
        told = {"kind": kind, "rows_before": before.total(), "rows_after": after.total()}
        found.append({"tenant": key[0], "resource": key[1], "source_id": key[2], **told})
    return found, left_out


def _kind(before: Counter[str], after: Counter[str]) -> str:
    if after.total() > max(before.total(), 1):
        return "inserted again"
    if not before:
        return "inserted"
    return "changed" if after else "vanished"


def _now(audit: Audit) -> datetime:
    ((at,),) = audit.database.now().query("select clock_timestamp() as at").rows
    return at  # type: ignore[no-any-return]


def _query(audit: Audit, query: str, resource: str) -> list[dict[str, Any]]:
    filled = audit.relations.of_lists.fill(query, {"resource": resource})
    return audit.database.now().query(filled.sql, {**audit.values(), **filled.values}, most=None).records
