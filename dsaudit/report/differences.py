"""Why records differ, in plain words, and what changed since the last run."""

from __future__ import annotations

from collections import Counter

from dsaudit.report.cards import CHANGES
from dsaudit.report.telling import Record, moment, on_page
from dsaudit.verdict.card import plural, table, thousands, words
from dsaudit.verdict.causes import CAUSES, EXPECTED, GROUPS, group, ordered

MEANING = {
    "late": "It came, and later than it may.",
    "not sent": "The source did not send it, or was not asked for it.",
    "not received": "It was sent or could be had, and was not stored.",
    "not refined": "It is stored as it came, and did not get into its table.",
    "refined wrong": "It is in its table, and not as the source has it.",
    "extra": "It is here, and is not at the source.",
    "unexplained": "No cause is proven. Look at these first.",
}
NO_FAULT = " (no fault)"


def causes(result: Record) -> str:
    """Return the plain words for what became of the records that differ: how many, found by what, mended how."""
    counts: Counter[str] = Counter()
    finders: dict[str, Counter[str]] = {}
    for verdict in result["verdicts"]:
        for code, number in verdict["causes"].items():
            counts[code] += number
            finders.setdefault(group(code), Counter())[verdict["check"]] += number
    told = {verdict["check"]: verdict for verdict in result["verdicts"]}
    rows = []
    for name in GROUPS:
        codes = [code for code in ordered(counts) if group(code) == name and counts[code]]
        if not codes:
            continue
        found = "".join(
            f'<li>{thousands(number)}: <a href="{on_page(told[check])}">{words(told[check]["claim"])}</a></li>'
            for check, number in finders[name].items()
        )
        fault = NO_FAULT if set(codes) <= EXPECTED else ""
        rows.append(
            [
                f'<th scope="row">{name}{fault}<br><small>{MEANING[name]}</small></th>',
                f'<td class="ds-number">{thousands(sum(counts[code] for code in codes))}</td>',
                f"<td><ul>{found}</ul></td>",
                f"<td><ul>{''.join(map(_mending, codes))}</ul></td>",
            ]
        )
    if not rows:
        return ""
    caption = "In the order of a record's way; a record that several checks find is counted by each"
    head = ("What became of it", "Rows", "Found by", "What mends it")
    return f'<div class="ds-table">{table(head, rows, caption)}</div>'


def _mending(code: str) -> str:
    cause = CAUSES.get(code)
    remedy = cause.remedy if cause else "see the evidence on the card"
    fault = NO_FAULT if code in EXPECTED else ""
    return f"<li>{words(remedy[:1].upper() + remedy[1:])} <code>{words(code)}</code>{fault}</li>"


def since_last_run(result: Record) -> str:
    """Return what is new, known and fixed by check, against the run that this one is compared with."""
    changes = result["changes"]
    claims = {verdict["check"]: verdict for verdict in result["verdicts"]}
    rows = []
    for check, changed in (changes.get("checks") or {}).items():
        if any(changed.get(name) for name in CHANGES):
            verdict = claims.get(check)
            title = f'<a href="{on_page(verdict)}">{words(verdict["claim"])}</a>' if verdict else words(check)
            numbers = [f'<td class="ds-number">{thousands(changed.get(name, 0))}</td>' for name in CHANGES]
            rows.append([f'<th scope="row">{title}</th>', *numbers])
    if not rows or changes["against"] is None:
        return ""
    ended = next((run["ended"] for run in result["history"] if run["id"] == changes["against"]), None)
    against = f"the run <code>{words(changes['against'])}</code>" + (f" of {moment(ended)}" if ended else "")
    caption = f"Rows of {plural(len(rows), 'check')}, compared with {against}"
    return f'<div class="ds-table">{table(("Check", "New", "Known", "Fixed"), rows, caption)}</div>'
