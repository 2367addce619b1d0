"""What all pages say in the same words: names of phases, times, counts of verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from dsaudit.parameters import Part
from dsaudit.verdict import Status, worst
from dsaudit.verdict.card import SIGNS, anchor, plural, scopes, thousands, words

Record = Mapping[str, Any]

DECISIONS = {"GO": Status.PASS, "NO-GO": Status.FAIL, "INCONCLUSIVE": Status.INCONCLUSIVE}
LACKING = "the parameter file has no "  # how the reasons of most checks begin that were not run
MOST_LACKING = 4
COUNTED = {
    Status.FAIL: "fail",
    Status.ERROR: "error",
    Status.INCONCLUSIVE: "inconclusive",
    Status.PASS: "pass",
    Status.WAIVED: "waived",
    Status.SKIPPED: "not run",
}


def phase_title(name: str) -> str:
    """Return a phase's name as a title: ``04_deduplication`` is ``04 Deduplication``."""
    number, _, rest = name.partition("_")
    title = "API" if rest == "api" else rest.replace("_", " ").capitalize()
    return f"{number} {title}".strip()


def phase_page(name: str) -> str:
    """Return the file name of a phase's page, as a link has it."""
    return quote(f"{name}.html")


def on_page(verdict: Record) -> str:
    """Return the address of a verdict's card on the same page."""
    return f"#{anchor(verdict['check'])}"


def moment(instant: str | None, seconds: bool = False) -> str:
    """Return an instant as HTML in UTC, such as ``2026-11-20 14:03 UTC``; what is none is shown as it is."""
    try:
        at = datetime.fromisoformat(instant or "").astimezone(UTC)
    except ValueError:
        return words(instant or "not known")
    shown = f"{at:%Y-%m-%d %H:%M:%S}" if seconds else f"{at:%Y-%m-%d %H:%M}"
    return f'<time datetime="{at.isoformat()}">{shown}&nbsp;UTC</time>'


def instants(instant: Record) -> str:
    """Return the database instant as HTML; of a run that was taken up again each one, with the phases it served."""
    served = instant.get("served", [])
    if len(served) < 2:
        return moment(instant["time"], seconds=True)
    told = [f"phases {words(', '.join(one['phases']))} at {moment(one['time'], seconds=True)}" for one in served]
    return f"taken up again: {'; '.join(told)}"


def having(verdicts: Iterable[Record], *statuses: Status) -> list[Record]:
    """Return the verdicts of some statuses, in their order."""
    return [verdict for verdict in verdicts if verdict["status"] in statuses]


def counts(verdicts: Iterable[Record]) -> dict[Status, int]:
    """Return how many verdicts there are of each status, the worst first, without the statuses of none."""
    told = [Status(verdict["status"]) for verdict in verdicts]
    return {status: told.count(status) for status in COUNTED if status in told}


def counts_html(verdicts: Iterable[Record]) -> str:
    """Return the counts as signs, figures and words."""
    parts = [
        f'<span class="ds-status ds-{status.value}"><span aria-hidden="true">{SIGNS[status]}</span> '
        f"{thousands(count)} {COUNTED[status]}</span>"
        for status, count in counts(verdicts).items()
    ]
    return " ".join(parts) or '<span class="ds-status">no checks</span>'


def phase_status(verdicts: Iterable[Record]) -> Status:
    """Return a phase's word: the worst of its verdicts that were run; the counts beside it tell of the others."""
    told = [Status(verdict["status"]) for verdict in verdicts]
    return worst([status for status in told if status is not Status.SKIPPED] or told)


def scopes_of(verdict: Record) -> str:
    """Return what was examined, in one short text."""
    examined = thousands(sum(one["examined"] for one in verdict["results"]))
    return examined + (f" in {scopes(verdict['results'])}" if len(verdict["results"]) > 1 else "")


def skipped_because(verdicts: Iterable[Record]) -> dict[str, list[Record]]:
    """Return the checks that were not run by the reason, the most frequent first."""
    reasons: dict[str, list[Record]] = {}
    for verdict in having(verdicts, Status.SKIPPED):
        told = [one["reason"] for one in verdict["results"] if one["reason"]]
        reasons.setdefault(told[0] if told else "no reason given", []).append(verdict)
    return dict(sorted(reasons.items(), key=lambda item: -len(item[1])))


def waived(result: Record) -> list[Record]:
    """Return the verdicts of which a waiver of the parameter file takes a failure away, in part or whole."""
    waived = [verdict for verdict in result["verdicts"] if verdict.get("waiver")]
    return [verdict for verdict in waived if any(one["status"] == Status.WAIVED for one in verdict["results"])]


def waived_in_words(result: Record) -> list[str]:
    """Return whose waivers took failures away, until when and why, in a sentence each."""
    return [
        f"Waived by {one['waiver']['owner']} until {one['waiver']['expires']}: {one['claim']}. "
        f"Reason: {one['waiver']['reason'].rstrip('.')}"
        for one in waived(result)
    ]


def instants_in_words(instant: Record) -> str:
    """Return the database instant as text; of a run that was taken up again each one, with the phases it served."""
    served = instant.get("served", [])
    if len(served) < 2:
        return str(instant["time"])
    told = [f"phases {', '.join(one['phases'])} at {one['time']}" for one in served]
    return f"taken up again: {'; '.join(told)}"


def headline(result: Record) -> str:
    """Return the decision; a part of an audit never reads as a whole one, nor a GO with accepted rows as a full one."""
    part = Part.from_json(result["run"]["part"]).words if "part" in result["run"] else ""
    words = str(result["decision"]) + (" for a part only" if result["limits"] else "") + (f": {part}" if part else "")
    if result["decision"] != "GO":
        return words
    with_ = [plural(len(waived(result)), "waived check")] if waived(result) else []
    if accepted := result.get("accepted"):
        with_.append(f"{plural(accepted['rows'], 'accepted row')} until {accepted['until']}")
    words += f" with {' and '.join(with_)}" if with_ else ""
    return f"{words}: {ran}" if (ran := _few_ran(result)) else words


def _few_ran(result: Record) -> str:
    """Return how few checks ran where more were left out; of a part of an audit its own words say so, or nothing."""
    if result["limits"]:
        return ""
    left_out = len(having(result["verdicts"], Status.SKIPPED))
    ran = len(result["verdicts"]) - left_out
    return f"{ran} of {plural(len(result['verdicts']), 'check')} ran" if left_out > ran else ""


def left_out_in_words(result: Record) -> str:
    """Return why most checks did not run, where a GO rests on the few that did, or nothing."""
    ran = _few_ran(result) if result["decision"] == "GO" else ""
    if not ran:
        return ""
    reasons = list(skipped_because(result["verdicts"]))
    lacking = [reason.removeprefix(LACKING) for reason in reasons if reason.startswith(LACKING)][:MOST_LACKING]
    return f"Only {ran}: {LACKING}{', no '.join(lacking)}" if lacking else f"Only {ran}: {reasons[0]}"


def accepted_in_words(result: Record) -> str:
    """Return whose known rows a run accepts and until when, or nothing."""
    accepted = result.get("accepted")
    if not accepted:
        return ""
    found = f"{plural(accepted['rows'], 'row')} found by {plural(accepted['checks'], 'check')}"
    return f"Known and accepted by {', '.join(accepted['owners'])} until {accepted['until']}: {found}"
