"""The whole report on one page: the banner, why records differ, what failed, all else, and every phase as a fold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from dsaudit.report import detection, differences, sections
from dsaudit.report.banner import banner, fallback
from dsaudit.report.cards import cards
from dsaudit.report.document import document
from dsaudit.report.phase import Fold, place
from dsaudit.report.sections import section
from dsaudit.report.soundness import Parts
from dsaudit.report.telling import Record, having, phase_title
from dsaudit.verdict import Status
from dsaudit.verdict.card import plural, words

ABOVE = (Status.FAIL, Status.ERROR, Status.INCONCLUSIVE, Status.WAIVED)  # whose cards stand before the phases


def page(result: Record, folds: Sequence[Fold], lost: Sequence[str] = ()) -> str:
    """Return the report. `folds` are the phases, of a run whose notebooks may be shown; `lost` could not be shown."""
    names, parts = phase_names(result), Parts([*lost])
    places = {fold.name: f"#{place(fold.name)}" for fold in folds}
    carded = frozenset(check for fold in folds for check in fold.checks)

    def part(name: str, title: str, make: Callable[..., str], *given: object) -> str:
        return section(name, title, parts(title, make, *given))

    shown = [
        part("criteria", "Success criteria", sections.criteria, result),
        part("causes", "Why records differ", differences.causes, result),
        part("failures", "What failed", failures, result),
        part("unknown", "What is not known", unknown, result),
        part("waived", "What was waived or accepted", waived, result),
        part("since", "Since the last run", differences.since_last_run, result),
        part("coverage", "Coverage", _coverage, folds),
        part("passes", "What passed", sections.passes, result, names, carded),
        part("skipped", "What was not run", sections.skipped, result, carded),
        part("detection", detection.TITLE, detection.section, result),
        part("checklist", "Final checklist", sections.checklist, result),
        part("runs", "The last runs", sections.last_runs, result),
        part("times", "What took longest", sections.times, result),
        part("not-shown", "What this report does not show", sections.not_shown, result),
        part("provenance", "Provenance", sections.provenance, result),
        part("phases", "The phases", _phases, folds),
    ]
    strip = parts("The strip of phases", sections.strip, result, names, places)
    main = [strip, sections.contents(shown), *shown]
    run = result["run"]
    whole = "" if not parts.lost else "not whole: "
    title = f"{whole}{result['decision']} {run['integration']}, {run['environment']}: {run['blueprint']} audit"
    top = parts("The first screen", banner, result, tuple(parts.lost))
    if "<header" not in top:
        top = fallback(result, parts.lost)
    return document(title, top, "\n".join(one for one in main if one))


def phase_names(result: Record) -> list[str]:
    """Return the phases in their order: those of the plan, and those that were executed without a check."""
    return sorted({*(planned["phase"] for planned in result["plan"]), *(phase["name"] for phase in result["phases"])})


def above(result: Record) -> frozenset[str]:
    """Return the checks whose cards stand before the phases."""
    return frozenset(verdict["check"] for verdict in having(result["verdicts"], *ABOVE))


def failures(result: Record) -> str:
    """Return the failing checks, the weightiest first; a consequence stands folded under what explains it."""
    failed = {verdict["check"]: verdict for verdict in having(result["verdicts"], Status.FAIL)}
    ordered = [check for check in result.get("order", []) if check in failed]
    ordered += [check for check in failed if check not in ordered]
    under = _under(ordered, result.get("consequences", {}))
    roots = [check for check in ordered if check not in under]
    parts = []
    for root in roots:
        own = [failed[check] for check in ordered if under.get(check) == root]
        parts.append(cards([failed[root]], result, 3) + _explained(own, result))
    return "\n".join(parts)


def _under(ordered: list[str], consequences: Mapping[str, list[str]]) -> dict[str, str]:
    """Return for each consequence the root it stands under: the weightiest of what explains it, followed upwards."""
    under: dict[str, str] = {}
    for check in ordered:
        root = check
        while root in consequences:
            root = consequences[root][0]
        if root != check:
            under[check] = root
    return under


def _explained(verdicts: list[Record], result: Record) -> str:
    if not verdicts:
        return ""
    title = f"Would follow from it: {plural(len(verdicts), 'further failing check')}"
    return f'<details class="explained"><summary>{title}</summary>{cards(verdicts, result, 4)}</details>'


def unknown(result: Record) -> str:
    """Return the checks that ended in an error or proved nothing."""
    return cards(having(result["verdicts"], Status.ERROR) + having(result["verdicts"], Status.INCONCLUSIVE), result, 3)


def waived(result: Record) -> str:
    """Return the checks that failed and were waived or accepted."""
    return cards(having(result["verdicts"], Status.WAIVED), result, 3)


def _coverage(folds: Sequence[Fold]) -> str:
    """Return what notebooks mark for the front, such as the matrices of coverage, with the way to their phases."""
    return "\n".join(
        f'<h3><a href="#{place(fold.name)}">{words(phase_title(fold.name))}</a></h3>\n'
        f'<div class="notebook front">{fold.front}</div>'
        for fold in folds
        if fold.front
    )


def _phases(folds: Sequence[Fold]) -> str:
    """Return the phases; printed are their titles alone, since what is signed is above and the notebooks are long."""
    if not folds:
        return ""
    told = "The executed notebooks: what was asked and why, with every card, table and plot."
    printed = "Not printed here: each phase has a page of its own in the folder of the run, phases/, to print."
    return "\n".join([f'<p>{told}</p><p class="printed">{printed}</p>', *(fold.html for fold in folds)])
