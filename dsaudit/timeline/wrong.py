"""What is wrong with one record now: the comparisons of phase 5, held to it alone, with their causes and remedies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.audit import remedies
from dsaudit.checks import all_checks
from dsaudit.reconcile import Sides, explained, lists, origins, sides, sides_of, undecided
from dsaudit.reconcile.differences import differences
from dsaudit.verdict import Result, Status, Verdict
from dsaudit.verdict.causes import EXPECTED

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Row = dict[str, Any]
Key = tuple[str, str]  # tenant, source id
CHECKS = {
    "missing in raw": "source_missing_in_raw",
    "missing": "source_missing_in_refined",
    "extra": "refined_missing_at_source",
    "field": "field_differences",
    "old in raw": "raw_differs_from_source",
}
NO_ROW = {"no row": "the refined table has no row of it", "marked deleted": "its refined row is marked as deleted"}


@dataclass
class Wrong:
    """What is wrong with one record now.

    ``rows`` has a line for each difference: check, what, field, at_source, in_refined, cause, evidence. ``remedies``
    say what would mend it, some with a command. ``problem`` tells why it cannot be told, or is empty.
    """

    rows: pd.DataFrame
    remedies: list[dict[str, str]] = field(default_factory=list)
    problem: str = ""

    @property
    def status(self) -> Status:
        """Fail if something is wrong, pass if nothing is that counts as a fault, else inconclusive."""
        if len(self.rows) and not self.rows["cause"].isin(EXPECTED).all():
            return Status.FAIL
        return Status.INCONCLUSIVE if self.problem else Status.PASS


COLUMNS = ["check", "what", "field", "at_source", "in_refined", "cause", "evidence"]


def compared(audit: Audit, tenant: str, name: str, source_id: str) -> Sides:
    """Return one record on all sides, with those among which some causes lie.

    These are all that differ, where the whole list is at hand, else those that stand in the same parent.
    """
    if lists.listed(audit, tenant, audit.parameters.top(name)) is not None:
        return sides(audit, name)
    found = origins.find(audit, [(tenant, name, source_id)])
    family = {(tenant, one.source_id) for one in found.family((tenant, name, source_id))}
    return sides_of(audit, name, {(tenant, source_id), *family})


def differs(both: Sides, key: Key) -> bool:
    """Return whether anything of a record differs between the sides, before anybody asks why."""
    return any(_is_of(row, key) for rows in differences(both).values() for row in rows)


def judged(audit: Audit, both: Sides, key: Key) -> Wrong:
    """Return what differs between the sides of one record, why, and what mends it."""
    if key[0] in both.problems:
        return Wrong(pd.DataFrame(columns=COLUMNS), problem=both.problems[key[0]])
    lines: list[Row] = []
    mends: list[dict[str, str]] = []
    problem = ""
    for kind, rows in differences(both).items():
        if not any(_is_of(row, key) for row in rows):
            continue
        told = explained(audit, kind, pd.DataFrame(rows, dtype=object))
        problem = problem or undecided(told).get((key[0], both.name), "")
        own = [row for row in told.to_dict("records") if _is_of(row, key)]
        lines += [_line(kind, row) for row in own]
        mends += [one for one in _offered(audit, CHECKS[kind], pd.DataFrame(own)) if one not in mends]
    return Wrong(pd.DataFrame(lines, columns=COLUMNS, dtype=object), mends, problem)


def _is_of(row: Mapping[Any, Any], key: Key) -> bool:
    return (row["tenant"], row["source_id"]) == key


def _line(kind: str, row: Mapping[Any, Any]) -> Row:
    what = {
        "missing in raw": "no raw row of it was stored",
        "missing": NO_ROW.get(str(row.get("refined")), ""),
        "extra": "its refined row lives, and the source does not have it",
        "field": f"{row.get('field')}: {row.get('kind')}",
        "old in raw": f"what was received last is not its present state: {row.get('fields')}",
    }[kind]
    values = {name: row.get(name) for name in ("field", "at_source", "in_refined", "cause", "evidence")}
    return {"check": CHECKS[kind], "what": what, **values}


def _offered(audit: Audit, check: str, rows: pd.DataFrame) -> Iterator[dict[str, str]]:
    """Yield what `dsaudit.audit.remedies` offers for these rows."""
    about, first = all_checks()[check], rows.iloc[0]
    scope = {name: str(first[name]) for name in ("tenant", "resource")}
    names = [*scope, "source_id"]
    verdict = Verdict(
        check, about.headers["title"], "", [], about.headers["severity"], Status.FAIL,
        [Result(scope, Status.FAIL, total=len(rows))],
        columns=[{"name": name, "role": "key"} for name in names],
        rows=[[audit.cell(row[name], name in scope, True) for name in names] for row in rows.to_dict("records")],
        causes={str(cause): int(count) for cause, count in rows["cause"].value_counts().items()},
    )  # fmt: skip
    for one in remedies.offered(audit, verdict, rows):
        yield {**one, "say": re.sub(r"^\d+ (?=[A-Z_]+: )", "", one["say"])}  # of one record no count is wanted
