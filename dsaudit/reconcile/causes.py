"""Gives every difference its cause: gathers the facts of all rows at once, holds the table of causes against them."""

from __future__ import annotations

import re
import traceback
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.reconcile import evidence
from dsaudit.reconcile.transport import instant_text
from dsaudit.verdict.causes import EXPECTED, TABLE, UNEXPLAINED, Cause

if TYPE_CHECKING:
    from dsaudit.audit import Audit


FEW = 3


def explained(audit: Audit, explains: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Return `rows` with ``cause`` and ``evidence``, those that count as a fault first; ``in_flight`` is taken out.

    Parameters
    ----------
    explains
        Which difference the rows are: missing in raw, missing, extra, old in raw, field.
    rows
        See `dsaudit.reconcile.evidence.gather`. The evidence holds our own words, numbers, instants, names out of the
        parameter file and states, and nothing that could be data.
    """
    if rows.empty:
        return rows
    try:
        facts = evidence.gather(audit, explains, rows.assign(in_flight=rows.get("in_flight", False)))
        told = decide(audit, explains, facts)
    except Exception as error:
        # The differences are proven, whatever becomes of their causes; the message could quote the data.
        place = traceback.extract_tb(error.__traceback__)[-1]
        broken = (
            f"the causes could not be worked out: {type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
        )
        told = {"cause": [UNEXPLAINED] * len(rows), "evidence": [broken] * len(rows)}
    rows = rows.drop(columns="in_flight", errors="ignore").reset_index(drop=True).assign(**told)
    # A report shows the first rows only: each cause has a few among them.
    order = pd.DataFrame({"expected": rows["cause"].isin(EXPECTED), "later": rows.groupby("cause").cumcount() >= FEW})
    return rows.loc[order.sort_values(["expected", "later"], kind="stable").index]


def decide(audit: Audit, explains: str, facts: pd.DataFrame) -> dict[str, list[str]]:
    """Return cause and evidence of each line; a second cause of it stands in the evidence, behind the first."""
    causes: list[list[str]] = [[] for _ in range(len(facts))]
    words: list[list[str]] = [[] for _ in range(len(facts))]
    for cause in sorted(TABLE, key=lambda one: one.otherwise):
        if explains not in cause.explains:
            continue
        holds = pd.Series(cause.when(facts), index=facts.index).fillna(False).astype(bool).tolist()
        # What stands to be judged later, or is no fault, needs no second word.
        settled = [bool(one) and (cause.otherwise or one[0] in EXPECTED) for one in causes]
        holds = [held and not done for held, done in zip(holds, settled, strict=True)]
        for place, line in zip(
            [place for place, held in enumerate(holds) if held], facts[holds].to_dict("records"), strict=True
        ):
            causes[place].append(cause.code)
            words[place].append(_words(cause, {str(name): value for name, value in line.items()}))
    lacking = _lacking(audit)
    undated = facts["changed_at"].isna().tolist()
    return {
        "cause": [found[0] if found else UNEXPLAINED for found in causes],
        "evidence": [
            _together(*one[:2]) if one[0] else lacking + ("; nor when it changed at the source" if one[2] else "")
            for one in zip(causes, words, undated, strict=True)
        ],
    }


def _words(cause: Cause, line: dict[str, Any]) -> str:
    return cause.evidence.format_map({name: _shown(name, value) for name, value in line.items()})


def _shown(name: str, value: Any) -> str:
    """Return a fact as it may stand in a report: what could come from the data is left out."""
    if value is None or value is pd.NaT or value != value:
        return "not known"
    if isinstance(value, datetime):
        return instant_text(value)
    if name in ("raw_row", "built_from") and not re.fullmatch(r"\d{1,20}|[0-9a-f-]{36}", str(value), re.ASCII):
        return "(its id is a text)"
    return str(value)


def _together(codes: list[str], words: list[str]) -> str:
    first, *others = words
    return "; also ".join([first, *(f"{code}: {one}" for code, one in zip(codes[1:], others, strict=True))])


def _lacking(audit: Audit) -> str:
    """Return what stands for a difference without a cause: which facts nobody gave."""
    parameters = audit.parameters
    given = {
        "raw": parameters.raw, "deliveries": parameters.deliveries, "syncs": parameters.syncs,
        "subscriptions": parameters.source and parameters.source.subscriptions,
    }  # fmt: skip
    absent = [name for name, one in given.items() if not one]
    more = f"; the parameter file does not give {', '.join(absent)}" if absent else ""
    return f"no cause is proven by what is known{more}"
