"""The report of a run: the banner, what failed, what is not known, and everything else after it."""

from __future__ import annotations

from collections.abc import Mapping

from dsaudit.report import sections
from dsaudit.report.banner import banner
from dsaudit.report.document import document
from dsaudit.report.sections import section
from dsaudit.report.telling import Record, having, in_phase, on_page
from dsaudit.verdict import Status, card
from dsaudit.verdict.card import plural


def page(result: Record, pages: Mapping[str, str]) -> str:
    """Return the report. `pages` holds the address of each phase that has a page of its own."""

    def link(verdict: Record) -> str:
        return in_phase(verdict) if verdict["phase"] in pages else on_page(verdict)

    names = phase_names(result)
    parts = [
        sections.strip(result, names, pages),
        section("criteria", "Success criteria", sections.criteria(result)),
        section("failures", "What failed", failures(result)),
        section("unknown", "What is not known", unknown(result)),
        section("waived", "What was waived or accepted", _cards(having(result["verdicts"], Status.WAIVED))),
        section("passes", "What passed", sections.passes(result, names, link)),
        section("skipped", "What was not run", sections.skipped(result, link)),
        section("checklist", "Final checklist", sections.checklist(result)),
        section("runs", "The last runs", sections.last_runs(result)),
        section("not-shown", "What this report does not show", sections.not_shown(result, link)),
        section("provenance", "Provenance", sections.provenance(result)),
    ]
    run = result["run"]
    title = f"{result['decision']} {run['integration']}, {run['environment']}: {run['blueprint']} audit"
    return document(title, banner(result, link), "\n".join(part for part in parts if part))


def phase_names(result: Record) -> list[str]:
    """Return the phases in their order: those of the plan, and those that were executed without a check."""
    return sorted({*(planned["phase"] for planned in result["plan"]), *(phase["name"] for phase in result["phases"])})


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
        parts.append(card.html(failed[root], level=3) + _explained(own, result))
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
    return f'<details class="explained"><summary>{title}</summary>{_cards(verdicts)}</details>'


def unknown(result: Record) -> str:
    """Return the checks that ended in an error or proved nothing."""
    return _cards(having(result["verdicts"], Status.ERROR) + having(result["verdicts"], Status.INCONCLUSIVE))


def _cards(verdicts: list[Record]) -> str:
    return "\n".join(card.html(verdict, level=3) for verdict in verdicts)
