"""Whether revisions go through: on a scratch database, and on what the audited rows hold."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from dsaudit.facts import migrations as facts
from dsaudit.facts import pending
from dsaudit.facts.pending import Broken
from dsaudit.functions import Found, Row, frames
from dsaudit.functions._walked import label, limited, told
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit


def migrations_apply(audit: Audit) -> Found:
    """Every revision goes through: up, down again unless it refuses, and up once more.

    why: a revision that fails halfway leaves a release that is neither the old nor the new one
    requirement: PI3
    severity: critical
    needs: migrations
    key: revision, way, on
    show: revision, way, on, told, in_the_audited_database
    explains: models_match_the_migrated_schema, database_matches_the_migrated_schema
    remedy: correct the revision; what PostgreSQL says names the table and the column
    """
    found, broken = facts.walk(audit), pending.broken(audit)
    counts = {name: [*those] for name, those in groupby(broken, key=lambda one: one.demand.revision)}
    rows, undecided = list[Row](), list[str]()
    for one in found.failures:
        there = sum(each.rows for each in counts.get(one.revision, ())) if one.is_about_rows else 0
        if one.is_about_rows and not there:
            others = f"{label(one)}, which the rows there may let through: {one.words}"
            undecided.append(told(one) if one.lets_others else others)
            continue
        rows.append({"revision": one.revision, "way": one.way, "on": one.on, "told": one.words,
                     "in_the_audited_database": there or None})  # fmt: skip
    judged = {row["revision"] for row in rows}
    for name, those in counts.items():
        certain = [each for each in those if each.rows and not each.is_open]
        if certain and name not in judged:
            words = "; ".join(f"rows of {each.demand.table} break {each.demand.words}" for each in certain)
            rows.append({"revision": name, "way": "up", "on": "the audited rows", "told": words,
                         "in_the_audited_database": sum(each.rows for each in certain)})  # fmt: skip
    steps = found.steps + len(broken)
    return limited(frames(rows, [{"examined": steps, "reason": found.problem}]),
                   [*undecided, *filter(None, map(_unsure, broken)), *found.limits])  # fmt: skip


def _unsure(one: Broken) -> str | None:
    """Tell what is not known of a demand that a pending revision makes of the audited rows."""
    about = f"{one.demand.revision}: {one.demand.table}, {one.demand.words}"
    if one.problem:
        return f"{about}: the audited rows cannot be asked: {one.problem}"
    if one.rows and one.is_open:
        return f"{about}: {plural(one.rows, 'audited row')} would break it, and may not when pending revisions are done"
    return None
