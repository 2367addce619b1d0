"""One broken record or section costs its own place on a page and no other, and takes the green from the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dsaudit.report import detection, outputs
from dsaudit.report.telling import Record, scopes_of
from dsaudit.verdict import Result, Status, Verdict, card
from dsaudit.verdict.card import thousands


class Parts:
    """Makes the parts of a page; ``lost`` names those that could not be made."""

    def __init__(self, lost: list[str] | None = None) -> None:
        self.lost = list(lost or [])

    def __call__(self, what: str, make: Callable[..., str], *given: Any) -> str:
        """Return a part as `make` makes it; of one that breaks, a note in its place."""
        try:
            return make(*given)
        except Exception as error:
            if isinstance(error, OSError) and error.filename:
                raise  # of the disk, not of the part: the next try makes it whole
            self.lost.append(what)
            return outputs.note(f"{what} cannot be shown ({type(error).__name__}). The record is in result.json.")


def sound(result: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a result of which all can be shown, each verdict in the phase of the plan, and what had to be replaced.

    What stands for a record that is broken or missing is an error: nothing is known of that check. The phase is the
    plan's, so that what a kernel says becomes no file's name.
    """
    told = {one.get("check"): one for one in result["verdicts"] if isinstance(one, Mapping)}
    verdicts, lost = [], []
    for planned in result["plan"]:
        verdict = told.get(planned["check"])
        reason = _broken(verdict)
        if reason or verdict is None:
            lost.append(f"The record of {planned['check']}")
            verdict = _substitute(planned, reason)
        verdicts.append({**verdict, "phase": planned["phase"]})
    shown = {**result, "verdicts": verdicts}
    try:
        detection.in_short(shown)
        detection.section(shown)
    except Exception:
        lost.append(detection.TITLE)
        shown["detection"] = None
    return shown, lost


def _broken(verdict: Record | None) -> str:
    """Return why a verdict cannot be shown, or nothing."""
    if verdict is None:
        return "it is missing"
    try:
        card.html(verdict, level=3)
        scopes_of(verdict)
        sum(one["total"] for one in verdict["results"])
        thousands(sum(one["examined"] for one in verdict["results"]))
        dict(verdict["causes"])
    except Exception as error:
        return type(error).__name__
    return ""


def _substitute(planned: Record, reason: str) -> dict[str, Any]:
    said = f"its record in result.json cannot be shown ({reason})"
    return Verdict(
        check=planned["check"],
        claim=str(planned.get("claim", planned["check"])),
        why=str(planned.get("why", "")),
        requirement=list(planned.get("requirement", [])),
        severity=str(planned.get("severity", "not known")),
        status=Status.ERROR,
        results=[Result({}, Status.ERROR, observed="not known", reason=said)],
    ).to_json()
