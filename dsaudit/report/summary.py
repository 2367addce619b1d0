"""The summary: the report's first screen as Markdown, for the page that a CI shows first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dsaudit.report.telling import COUNTED, accepted_in_words, counts, headline, left_out_in_words, skipped_because
from dsaudit.wording import inert

MOST_FAILURES = 50  # lines; GitHub refuses a summary of more than 1 MiB as a whole


def markdown(result: dict[str, Any]) -> str:
    """Return the summary of a run: decision, reasons, criteria, failures, and what was not audited."""
    run = result["run"]
    told = ", ".join(f"{count} {COUNTED[status]}" for status, count in counts(result["verdicts"]).items())
    parts = [
        f"## {headline(result)}: {inert(run['integration'])} ({run['environment']})",
        f"{told}. Run `{inert(run['id'])}`, database instant {inert(result['instant']['time'])}.",
        inert(accepted_in_words(result)),
        inert(left_out_in_words(result)),
        *[f"{number}. {inert(reason['text'])}" for number, reason in enumerate(result["reasons"], 1)],
        _table("Success criteria", ("Metric", "Target", "Actual", "Status"), _criteria(result)),
        _table("Not green", ("Status", "Check", "Claim"), _not_green(result)),
        _table("Not audited", ("Reason", "Checks"), _skipped(result)),
        *[f"- {inert(limit)}" for limit in [*result["limits"], *result["problems"]]],
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _criteria(result: dict[str, Any]) -> list[list[str]]:
    return [[one["metric"], one["target"], one["actual"], one["status"]] for one in result["criteria"]]


def _not_green(result: dict[str, Any]) -> list[list[str]]:
    told = {verdict["check"]: verdict for verdict in result["verdicts"]}
    ordered = [told[name] for name in result["order"][:MOST_FAILURES] if name in told]
    return [[verdict["status"], verdict["check"], verdict["claim"]] for verdict in ordered]


def _skipped(result: dict[str, Any]) -> list[list[str]]:
    return [[reason, str(len(found))] for reason, found in skipped_because(result["verdicts"]).items()]


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(inert(cell) for cell in row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"### {title}", "", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines])
