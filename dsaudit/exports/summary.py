"""The summary: the report's first screen as Markdown, for the page that a CI shows first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dsaudit.exports.words import groups, plain
from dsaudit.report import detection
from dsaudit.report.telling import (
    COUNTED,
    accepted_in_words,
    counts,
    headline,
    instants_in_words,
    left_out_in_words,
    skipped_because,
    waived_in_words,
)
from dsaudit.verdict.card import plural
from dsaudit.wording import inert

MOST_FAILURES = 50  # lines
MOST_BYTES = 60_000  # a comment on GitHub may have 65,536 characters; of a step's summary above 1 MiB nothing is shown


def markdown(result: dict[str, Any]) -> str:
    """Return the summary of a run: decision, reasons, criteria, failures, and what was not audited.

    A section with which it would be longer than `MOST_BYTES` is left out whole, and so is what follows it.
    """
    sections = [part for part in _sections(result) if part]
    text = _head(result)
    for place, section in enumerate(sections):
        if len(f"{text}\n{section}".encode()) > MOST_BYTES:
            return f"{text}\n{plural(len(sections) - place, 'more section')} in the report.\n"
        text += f"\n{section}\n"
    return text


def _head(result: dict[str, Any]) -> str:
    run = result["run"]
    told = ", ".join(f"{count} {COUNTED[status]}" for status, count in counts(result["verdicts"]).items())
    parts = [
        f"## {_inert(headline(result))}: {_inert(run['integration'])} ({_inert(run['environment'])})",
        f"{told}. Run `{_inert(run['id'])}`, database instant {_inert(instants_in_words(result['instant']))}.",
        _inert(accepted_in_words(result)),
        _inert(left_out_in_words(result)),
        *map(_inert, waived_in_words(result)),
        *[f"{number}. {_inert(reason['text'])}" for number, reason in enumerate(result["reasons"], 1)],
        _changes(result.get("changes", {})),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _changes(changes: dict[str, Any]) -> str:
    """Return what changed since the last run that can be compared, or nothing."""
    if not changes.get("against"):
        return ""
    found = ", ".join(f"{changes[name]} {name}" for name in ("new", "known", "fixed"))
    return f"Rows found since the run `{_inert(changes['against'])}`: {found}."


def _sections(result: dict[str, Any]) -> list[str]:
    said = "\n".join(f"- {_inert(limit)}" for limit in [*result["limits"], *result["problems"]])
    return [
        _table("Success criteria", ("Metric", "Target", "Actual", "Status"), _criteria(result)),
        _table("Causes", ("Rows are", "Rows"), _causes(result)),
        _table("Not green", ("Status", "Check", "Claim"), _not_green(result)),
        _table("Not audited", ("Reason", "Checks"), _skipped(result)),
        said,
        f"{detection.TITLE}: {_inert(detection.in_words(result))}." if result.get("detection") else "",
    ]


def _criteria(result: dict[str, Any]) -> list[list[str]]:
    return [[one["metric"], one["target"], one["actual"], one["status"]] for one in result["criteria"]]


def _causes(result: dict[str, Any]) -> list[list[str]]:
    return [[name, str(count)] for name, count in groups(result["verdicts"]).items() if count]


def _not_green(result: dict[str, Any]) -> list[list[str]]:
    told = {verdict["check"]: verdict for verdict in result["verdicts"]}
    ordered = [told[name] for name in result["order"] if name in told]
    rows = [[verdict["status"], verdict["check"], verdict["claim"]] for verdict in ordered[:MOST_FAILURES]]
    more = len(ordered) - len(rows)
    return [*rows, ["", f"{more} more", "in the report"]] if more else rows


def _skipped(result: dict[str, Any]) -> list[list[str]]:
    return [[reason, str(len(found))] for reason, found in skipped_because(result["verdicts"]).items()]


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(_inert(cell) for cell in row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"### {title}", "", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines])


def _inert(text: object) -> str:
    return inert(plain(" ".join(str(text).split())))
