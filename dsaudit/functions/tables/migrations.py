"""Tables of the revisions: what each changes, how long it locks others out, which rows a downgrade costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from dsaudit.facts import migrations as facts
from dsaudit.functions import Row
from dsaudit.migrating import ProjectError, Walk
from dsaudit.migrating.schema import Difference
from dsaudit.scratch import ScratchError
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit

NAMED = ["table", "view", "column"]  # parts of a schema that are told by name, in this order
MOST_NAMED = 3  # of a kind in one line
MANY = {"index": "indexes"}


def revisions(audit: Audit) -> pd.DataFrame:
    """The revisions in the order in which they are applied: what each changes, and how it fared on rows.

    needs: migrations
    key: revision
    show: revision, title, follows, in_the_audited_database, changes, upgrade, downgrade
    """
    try:
        found = facts.bench(audit)
    except (ProjectError, ScratchError) as error:
        return pd.DataFrame([{"revision": "none", "title": str(error)}], dtype=object)
    walk, there = facts.walk(audit), facts.audited(audit)
    applied = found.ancestors(there.revisions)
    rows: list[Row] = []
    for one in found.revisions:
        row: Row = {"revision": one.name, "title": one.title, "follows": ", ".join(one.follows) or "nothing"}
        row["in_the_audited_database"] = there.problem or ("yes" if one.name in applied else "pending")
        row["changes"] = _told(walk.changes[one.name]) if one.name in walk.changes else "not tried"
        rows.append({**row, **_fared(walk, one.name)})
    return pd.DataFrame(rows, dtype=object)


def _fared(walk: Walk, name: str) -> Row:
    if name not in walk.tried:
        return {"upgrade": "not tried", "downgrade": "not tried"}
    failed = next((one for one in walk.failures if one.revision == name and one.way == "up"), None)
    down = next((one for one in walk.downs if one.revision == name), None)
    upgrade = "applies" if name in walk.changes else "not tried"
    if failed:
        upgrade = "applies to rows that meet it" if failed.lets_others else f"fails on {failed.on}"
    return {"upgrade": upgrade, "downgrade": down.ending if down else "not tried"}


def _told(changes: Sequence[Difference]) -> str:
    """What a revision changes, in a line: tables and columns by name, of many or of other parts their number."""
    groups: dict[tuple[str, str], list[str]] = {}
    for one in sorted(changes, key=lambda one: NAMED.index(one.kind) if one.kind in NAMED else len(NAMED)):
        groups.setdefault((_sign(one), one.kind), []).append(one.name or one.table.removeprefix("public."))
    words = []
    for (sign, kind), names in groups.items():
        is_named = len(names) == 1 or (kind in NAMED and len(names) <= MOST_NAMED)
        words.append(f"{sign} {kind if len(names) == 1 else f'{kind}s'} {', '.join(names)}" if is_named
                     else f"{sign} {plural(len(names), kind, MANY.get(kind, ''))}")  # fmt: skip
    return "; ".join(words) or "nothing in the schema"


def _sign(one: Difference) -> str:
    return "+" if one.expected is None else "-" if one.found is None else "~"


def migration_locks(audit: Audit) -> pd.DataFrame:
    """The locks of each revision: as they were held at each size, and would be at the expected one.

    needs: migrations
    key: revision, table, lock, rows
    show: revision, table, lock, shuts_out, work, rows, held, expected_rows, extrapolated, allowed, told
    spans: held, extrapolated, allowed
    """
    found, settings = facts.locks(audit), audit.parameters.migrations
    rows: list[Row] = []
    for one in found.locks:
        about: Row = {"revision": one.revision, "table": one.table.removeprefix("public.")}
        about |= {"lock": one.name, "shuts_out": one.shuts_out}
        about["work"] = one.work.replace("public.", "") or "nothing that grows"
        ends = {"expected_rows": one.rows, "extrapolated": one.extrapolated}
        ends["allowed"] = settings.lock_seconds if settings else 0
        rows += [{**about, "rows": size, "held": took, **ends} for size, took in one.seconds.items()]
    seen = {row["revision"] for row in rows} | {*found.untried}
    rows += [{"revision": name, "told": "it locks nobody out"} for name in found.tried if name not in seen]
    rows += [{"revision": name, "told": why} for name, why in found.untried.items()]
    return pd.DataFrame(rows, dtype=object)


def downgrade_deletions(audit: Audit) -> pd.DataFrame:
    """The rows that each downgrade would delete: of those made up on the copy, and of the audited database.

    needs: migrations
    key: revision, table
    show: revision, table, condition, made_up_rows, meeting_the_condition, deleted_there, in_the_audited_database
    """
    found = facts.walk(audit)
    return pd.DataFrame([*_deleted(audit, found), *_dropped(audit, found)], dtype=object)


def _deleted(audit: Audit, found: Walk) -> Iterator[Row]:
    for one in found.deletions:
        there = facts.counted(audit, one.table, one.condition) if one.condition else "no condition is declared"
        meeting = one.meeting if one.condition else None
        yield {"revision": one.revision, "table": one.table, "condition": one.condition, "made_up_rows": one.rows,
               "meeting_the_condition": meeting, "deleted_there": one.deleted,
               "in_the_audited_database": there}  # fmt: skip


def _dropped(audit: Audit, found: Walk) -> Iterator[Row]:
    for down in found.downs:
        for table, rows in down.dropped.items():
            yield {"revision": down.revision, "table": table, "condition": "the table is dropped",
                   "made_up_rows": rows, "meeting_the_condition": rows, "deleted_there": rows,
                   "in_the_audited_database": facts.counted(audit, table)}  # fmt: skip
