"""The rows of a verdict: masked for its card, named for comparison, whole only in the private folder."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.checks import Check
from dsaudit.facts.webhooks import resource_of
from dsaudit.verdict import Verdict, card
from dsaudit.verdict.causes import EXPECTED
from dsaudit.verdict.masking import is_word

if TYPE_CHECKING:
    from dsaudit.audit import Audit

# Shown by queries as the words of programs that they should be; what a table says may be anything.
SAID = {"topic", "outcome", "delivery_id", "failures", "error", "state", "status", "way", "via"}
OURS = ("tenant", "resource", "relation")  # names out of the parameter file, whatever column they stand in
MOST_SHOWN = 20
MOST_FINDINGS = 10_000
Row = Mapping[Any, Any]


def add_rows(audit: Audit, verdict: Verdict, check: Check, frame: pd.DataFrame) -> None:
    """Put the rows that a check found into its verdict, those that a baseline does not know first."""
    findings = _findings(audit, check, frame)
    accepted = audit.accepted.get(check.name)
    if accepted:
        frame, findings = _new_first(frame, findings, accepted)
    records = frame.to_dict("records")
    keys = check.listed("key")
    verdict.columns = [
        {"name": str(name), "role": "scope" if name in check.scope else "key" if name in keys else "value"}
        for name in frame.columns
    ]
    shown = {*check.listed("show"), *audit.parameters.show, *OURS, *([BASELINE] if accepted else [])}
    verdict.rows = [masked(audit, check, record, verdict.columns, shown) for record in _shown(check, frame)]
    counting = [finding for finding in findings if finding]
    verdict.findings = counting[:MOST_FINDINGS]
    if len(frame) == verdict.total:
        verdict.places = _places(audit, frame)
    if "tolerates" in check.headers:
        verdict.causes = dict(Counter(str(record["cause"]) for record in records))
    if len(records) > MOST_SHOWN:
        total = max(verdict.total, len(records))
        verdict.limits.append(f"{MOST_SHOWN} of {card.thousands(total)} rows are shown")
    if len(counting) > MOST_FINDINGS:
        verdict.limits.append(f"only the first {MOST_FINDINGS} rows are compared with the last run's")
    verdict.rows_file = _keep(audit, check.name, records)


def _shown(check: Check, frame: pd.DataFrame) -> Sequence[Row]:
    """Return the rows that are shown: of each place as many as of the others, so that none is left out for another."""
    of_places = [column for column in frame.columns if column in (*check.scope, *OURS)]
    if BASELINE in frame.columns or not of_places:
        return frame.head(MOST_SHOWN).to_dict("records")
    turn = frame.groupby(of_places, dropna=False, sort=False).cumcount().to_numpy()
    chosen = sorted(turn.argsort(kind="stable")[:MOST_SHOWN])
    return frame.iloc[chosen].to_dict("records")


def _places(audit: Audit, frame: pd.DataFrame) -> list[dict[str, str]]:
    """Return where rows were found; one that names no resource but a topic is at the resource of which that speaks."""
    told = frame[[column for column in frame.columns if column in OURS]]
    if "topic" in frame.columns and "resource" not in frame.columns:
        owners = {topic: resource_of(audit, str(topic)) for topic in frame["topic"].unique()}
        told = told.assign(resource=frame["topic"].map(owners))
    places: list[Any] = told.drop_duplicates().to_dict("records") if len(told.columns) else []
    return places


def _findings(audit: Audit, check: Check, frame: pd.DataFrame) -> list[str]:
    """Return the name of each row; one whose cause is no fault is no finding, and its name is empty."""
    keys, tolerant = check.listed("key"), "tolerates" in check.headers
    found = []
    for row in frame.to_dict("records"):
        cause, scope = row.get("cause"), {column: str(row.get(column)) for column in check.scope}
        counts = not (tolerant and cause in EXPECTED)
        found.append(audit.mask.finding(check.name, scope, [row.get(key) for key in keys], cause) if counts else "")
    return found


BASELINE = "baseline"  # the column that tells new rows from accepted ones


def _new_first(frame: pd.DataFrame, findings: list[str], accepted: Counter[str]) -> tuple[pd.DataFrame, list[str]]:
    """Return rows and names with the new ones first, and say of each whether it is; a name counts as often as it was.

    What is no fault is neither, and stands last. Where no row is new, nothing has to be told apart.
    """
    left, told = accepted.copy(), []
    for finding in findings:
        known = left[finding] > 0
        left[finding] -= known
        told.append("" if not finding else "accepted" if known else "new")
    if "new" not in told:
        return frame, findings
    order = sorted(range(len(told)), key=lambda place: ("new", "accepted", "").index(told[place]))
    frame = frame.iloc[order].reset_index(drop=True)
    frame.insert(len(frame.columns), BASELINE, [told[place] for place in order], allow_duplicates=True)
    return frame, [findings[place] for place in order]


def masked(audit: Audit, check: Check, record: Row, columns: Iterable[Mapping[str, str]], shown: set[str]) -> list[Any]:
    """Return the cells of a row as they may be displayed."""
    cells = []
    for column in columns:
        name, value = column["name"], record[column["name"]]
        is_said = check.is_query and name in SAID and name not in audit.parameters.show
        cells.append(audit.cell(value, name in shown and not (is_said and not is_word(value)), column["role"] == "key"))
    return cells


def _keep(audit: Audit, name: str, records: list[dict[Any, Any]]) -> str:
    """Write all rows to the private folder, one JSON object a line."""
    folder = audit.private / "rows"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{name}.jsonl"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    # A source's text may hold half a surrogate pair, which no file can.
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        for record in records:
            file.write(json.dumps(record, default=str, ensure_ascii=False) + "\n")
    return f"private/rows/{name}.jsonl"
