"""Gives every difference its cause: gathers the facts of all rows at once, holds the table of causes against them."""

from __future__ import annotations

import re
import string
import traceback
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.reconcile import evidence, recheck
from dsaudit.reconcile.looks import LOOKED, Differences, Looked
from dsaudit.reconcile.transport import instant_text
from dsaudit.verdict.card import plural
from dsaudit.verdict.causes import EXPECTED, TABLE, UNEXPLAINED, Cause

if TYPE_CHECKING:
    from dsaudit.audit import Audit


FEW = 3
ROWS = ("raw_row", "built_from", "stood_in")  # facts that are ids of our rows
IN_FLIGHT = "IN_FLIGHT"
SEVERAL = 3  # records that are no neighbours by chance
NOT_COME = ("not sent", "not received")


def explained(audit: Audit, explains: str, rows: pd.DataFrame, differences: Differences | None = None) -> pd.DataFrame:
    """Return `rows` with ``cause`` and ``evidence``, those that count as a fault first; ``in_flight`` is taken out.

    What differs is looked at again before, if it can be: see `dsaudit.reconcile.recheck`.

    Parameters
    ----------
    explains
        Which difference the rows are: missing in raw, missing, extra, old in raw, field.
    rows
        See `dsaudit.reconcile.evidence.gather`. The evidence holds our own words, numbers, instants, names out of the
        parameter file and states, and nothing that could be data.
    differences
        Returns the differences of this kind that one key has, for a second look; without it there is none.
    """
    if rows.empty:
        return rows
    try:
        looked = [recheck.at_first(row) for row in rows.to_dict("records")]
        if differences:
            looked = recheck.looked_again(audit, explains, rows, differences)
        told_again = {name: [getattr(one, name) for one in looked] for name in LOOKED}
        facts = evidence.gather(audit, explains, rows.assign(**told_again))
        told = decide(audit, explains, facts)
        undecided = _undecided(looked, told)
    except Exception as error:
        # The differences are proven, whatever becomes of their causes; the message could quote the data.
        place = traceback.extract_tb(error.__traceback__)[-1]
        broken = (
            f"the causes could not be worked out: {type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
        )
        told, undecided = {"cause": [UNEXPLAINED] * len(rows), "evidence": [broken] * len(rows)}, {}
    rows = rows.drop(columns=["in_flight", "touched"], errors="ignore").reset_index(drop=True).assign(**told)
    scopes = [(*rows.loc[place, ["tenant", "resource"]], words) for place, words in undecided.items()]
    rows.attrs["undecided"] = dict(Counter(scopes))
    # A report shows the first rows only: each cause has a few among them.
    order = pd.DataFrame({"expected": rows["cause"].isin(EXPECTED), "later": rows.groupby("cause").cumcount() >= FEW})
    return rows.loc[order.sort_values(["expected", "later"], kind="stable").index]


def _undecided(looked: list[Looked], told: dict[str, list[str]]) -> dict[int, str]:
    """Return the lines that no cause is proven for and that may be in flight, with why; they count as in flight."""
    found = {}
    for place, one in enumerate(looked):
        if one.undecided and told["cause"][place] in (UNEXPLAINED, IN_FLIGHT):
            told["cause"][place] = IN_FLIGHT
            found[place] = one.undecided
    return found


def undecided(rows: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return for tenant and resource which of `rows`, as `explained` gave them, cannot be decided, and why."""
    found: dict[tuple[str, str], str] = {}
    for (tenant, name, words), count in rows.attrs.get("undecided", {}).items():
        said = f"{plural(count, 'difference')} {words}"
        found[tenant, name] = "; ".join(filter(None, (found.get((tenant, name)), said)))
    return found


def decide(audit: Audit, explains: str, facts: pd.DataFrame) -> dict[str, list[str]]:
    """Return cause and evidence of each line; a second cause of it stands in the evidence, behind the first."""
    causes: list[list[str]] = [[] for _ in range(len(facts))]
    words: list[list[str]] = [[] for _ in range(len(facts))]
    for cause in sorted(TABLE, key=lambda one: one.otherwise):
        if explains not in cause.explains:
            continue
        found = pd.Series(cause.when(facts), index=facts.index).fillna(False).astype(bool)
        # What came a little later, by itself, was late and not lost on the way.
        holds = (found & ~facts["arrived"]).tolist() if cause.group in NOT_COME else found.tolist()
        # What stands to be judged later, or is no fault, needs no second word.
        settled = [bool(one) and (cause.otherwise or one[0] in EXPECTED) for one in causes]
        places = [place for place, held in enumerate(holds) if held and not settled[place]]
        for place, said in zip(places, _words(cause, facts.iloc[places]), strict=True):
            causes[place].append(cause.code)
            words[place].append(said)
    lacking = _lacking(audit)
    columns = ("changed_at", "neighbours", "unreached", "deletion_came", "unlisted")
    seen = zip(*(facts[name] for name in columns), strict=True)
    told = [
        [_together(codes, said)] if codes else [lacking, *_seen(*one)]
        for codes, said, one in zip(causes, words, seen, strict=True)
    ]
    more = [
        [one for one in line if isinstance(one, str) and one not in "; ".join(said)]
        for said, *line in zip(told, facts["logged"], facts["again"], strict=True)
    ]
    return {
        "cause": [one[0] if one else UNEXPLAINED for one in causes],
        "evidence": ["; ".join([*one, *added]) for one, added in zip(told, more, strict=True)],
    }


def _seen(
    changed: Any, neighbours: float | None, is_unreached: bool, deletion_came: Any, is_unlisted: bool
) -> Iterator[str]:
    """Yield what is to be seen of a difference without a cause, without the claim that it proves any."""
    if pd.isna(changed):
        yield "nor when it changed at the source"
    if is_unreached and neighbours is not None and neighbours >= SEVERAL:
        yield f"the {neighbours:.0f} that did not come are neighbours in the source's list"
    if not pd.isna(deletion_came):
        yield f"a deletion of it was received {instant_text(deletion_came)}, and the source has it"
    if is_unlisted:
        yield "the source's list shows only what it lists by default, and may leave this out (known.by_default)"


def _words(cause: Cause, facts: pd.DataFrame) -> Iterator[str]:
    """Yield the evidence of each line; where very many rows differ, reading all facts of each takes longest."""
    names = [name for _, name, _, _ in string.Formatter().parse(cause.evidence) if name]
    columns = ([_shown(name, value) for value in facts[name].tolist()] for name in names)
    told = zip(*columns, strict=True) if names and len(facts) else ((),) * len(facts)
    return (cause.evidence.format(**dict(zip(names, one, strict=True))) for one in told)


def _shown(name: str, value: Any) -> str:
    """Return a fact as it may stand in a report: what could come from the data is left out."""
    if value is None or value is pd.NaT or value != value:
        return "not known"
    if isinstance(value, datetime):
        return instant_text(value)
    if name in ROWS and not re.fullmatch(r"\d{1,20}|[0-9a-f-]{36}", str(value), re.ASCII):
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
