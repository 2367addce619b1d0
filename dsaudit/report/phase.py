"""A phase: its executed notebook on a page of its own, and as a fold of the whole report."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from dsaudit.report import outputs, sections
from dsaudit.report.banner import phase_banner
from dsaudit.report.cards import cards, shown_by
from dsaudit.report.document import document
from dsaudit.report.notebook import Body, worst_first
from dsaudit.report.soundness import Parts
from dsaudit.report.telling import Record, counts_html, on_page, phase_page, phase_status, phase_title, scopes_of
from dsaudit.verdict import Status, card
from dsaudit.verdict.card import anchor, plural, words
from dsaudit.wording import LAST_CELL

LOST = "Checks that the notebook does not show"


def page(notebook: Path, name: str, result: Record, names: Sequence[str], lost: Sequence[str] = ()) -> str:
    """Return the page of one phase. `names` are all phases, for the way to the others; `lost` could not be shown."""
    verdicts = _of(name, result)
    parts = Parts([*lost])
    body = Body(verdicts, result["run"], shown_by(result), lower=1)
    shown = parts("The executed notebook", body.render, notebook)
    others = {other: phase_page(other) for other in names}
    main = [
        parts("The strip of phases", sections.strip, result, names, others, name),
        sections.section("checks", "Checks of this phase", parts("The list of checks", _contents, verdicts)),
        sections.section("lost", LOST, parts("What is left", cards, body.left(), result, 3)),
        sections.section("notebook", "The executed notebook", f'<div class="notebook">\n{shown}\n</div>'),
        parts("The way to the other phases", _neighbours, name, names),
    ]
    title = f"{phase_title(name)}: {result['run']['integration']}, {result['run']['environment']}"
    problems = [*_problems(name, result), *(f"{what} cannot be shown" for what in parts.lost)]
    banner = phase_banner(phase_title(name), verdicts, _status(verdicts, problems), result, problems)
    return document(title, banner, "\n".join(part for part in main if part))


@dataclass(frozen=True)
class Fold:
    """A phase as a part of the whole report: its fold, and what of it stands before the phases."""

    name: str
    html: str
    front: str
    checks: frozenset[str]  # whose cards stand in it
    lost: tuple[str, ...]  # what of it could not be shown


def fold(notebook: Path, name: str, result: Record, above: Collection[str], room: int, address: str) -> Fold:
    """Return a phase as a fold.

    The cards of the checks in `above` stand elsewhere on the page. A notebook that takes more than `room` characters
    is left to its own page, at `address`; its cards stay.
    """
    verdicts = _of(name, result)
    body = Body(verdicts, result["run"], shown_by(result), lower=2, above=above, has_front=True)
    parts = Parts()
    shown = parts(f"The notebook of {phase_title(name)}", body.render, notebook)
    left, front = body.left(), body.front
    if len(shown) > room:
        shown = outputs.note(f"The notebook would make this file too large to mail. It is on its own page, {address}.")
        left, front = [one for one in verdicts if one["check"] not in above], []
    lost = f"<h3>{LOST}</h3>\n{cards(left, result, 4)}" if left else ""
    told = counts_html(verdicts)
    status = _status(verdicts, [*_problems(name, result), *parts.lost])
    problems = "".join(outputs.note(f"{problem}.") for problem in _problems(name, result))
    html = f"""<details class="phase ds-{status.value}">
<summary><h2>{words(phase_title(name))}</h2> <span class="told">{told}</span></summary>
<div class="notebook" id="{place(name)}">
<p class="alone"><a href="{address}">This phase on a page of its own</a>, in the folder of the run, to print or to
send.</p>
{problems}{lost}{shown}
<p><a href="#ds-main">Back to the beginning</a></p>
</div>
</details>"""
    checks = frozenset(one["check"] for one in verdicts) - frozenset(above)
    return Fold(name, html, "\n".join(front), checks, tuple(parts.lost))


def place(name: str) -> str:
    """Return the name by which the whole report is linked to at a phase.

    It is that of something in the fold and not of the fold, since a browser opens what holds the target of a link.
    """
    return f"ds-phase-{anchor(name)}"


def _of(name: str, result: Record) -> list[Record]:
    return [verdict for verdict in result["verdicts"] if verdict["phase"] == name]


def _status(verdicts: Sequence[Record], problems: Sequence[str]) -> Status:
    """Return a phase's word, which is never green after an early end."""
    status = phase_status(verdicts)
    return max(status, Status.INCONCLUSIVE, key=lambda one: one.rank) if problems else status


def _problems(name: str, result: Record) -> list[str]:
    ended = [phase["ended_by"] for phase in result["phases"] if phase["name"] == name]
    return [f"This phase did not reach its end: {reason}" for reason in ended if reason != LAST_CELL]


def _contents(verdicts: Sequence[Record]) -> str:
    if not verdicts:
        return ""
    rows = [
        [
            sections.status_cell(verdict["status"]),
            f'<td><a href="{on_page(verdict)}">{words(verdict["claim"])}</a></td>',
            f"<td>{words(scopes_of(verdict))}</td>",
        ]
        for verdict in worst_first(verdicts)
    ]
    caption = f"{plural(len(rows), 'check')}, the worst first"
    return f'<div class="ds-table">{card.table(("Status", "Claim", "Examined"), rows, caption)}</div>'


def _neighbours(name: str, names: Sequence[str]) -> str:
    at = list(names).index(name)
    links = ['<a href="../report.html">The whole report</a>']
    if at > 0:
        links.insert(0, f'<a href="{phase_page(names[at - 1])}" rel="prev">← {words(phase_title(names[at - 1]))}</a>')
    if at + 1 < len(names):
        links.append(f'<a href="{phase_page(names[at + 1])}" rel="next">{words(phase_title(names[at + 1]))} →</a>')
    return f'<nav class="neighbours" aria-label="Neighbouring pages">{" ".join(links)}</nav>'
