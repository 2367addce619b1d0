"""Reads the verdicts out of the executed notebooks and holds them against the plan.

Neither papermill's word nor the notebook's own metadata counts: a killed kernel and ``sys.exit(0)`` both leave a
notebook that looks complete. What counts is a verdict of this run for every planned check and scope.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeGuard

from dsaudit.parameters.models import DRAFTED
from dsaudit.run import scrubbing
from dsaudit.run.execute import Phase
from dsaudit.verdict import CLOSING_MIME, DRAFT_MIME, MIME, Result, Status, Verdict, worst

Record = dict[str, Any]


def collect(plan: list[Record], phases: Sequence[Phase], run: Record) -> tuple[list[Verdict], list[str]]:
    """Return a verdict for each planned check, in the plan's order, and what was wrong with the phases.

    `plan` and `run` are those of a result: the calls that had to be made; the id and nonce that mark their verdicts.
    """
    problems: list[str] = []
    found: dict[str, Verdict] = {}
    for phase in phases:
        outputs = _outputs(phase)
        _read_verdicts(outputs, phase, run, found, problems)
        if not any(_ours(output.get(CLOSING_MIME), run) for output in outputs):
            problems.append(f"{phase.name} did not reach its end: {phase.ended_by}")
        if any(scrubbing.TAG in cell.get("metadata", {}).get("tags", []) for cell in _cells(phase)):
            problems.append(f"a secret stood in {phase.name}; it was masked before anything was written")
    ended = {phase.name: phase.ended_by for phase in phases}
    verdicts = [
        _complete(found[planned["check"]], planned)
        if planned["check"] in found
        else _missing(planned, ended.get(planned["phase"], "it was not executed"))
        for planned in plan
    ]
    unknown = sorted(set(found) - {planned["check"] for planned in plan})
    problems += [f"a verdict of {name}, which was not planned, is left out" for name in unknown]
    return verdicts, problems


def drafts(phases: Sequence[Phase], run: Record) -> dict[str, tuple[str, str]]:
    """Return phase and text of each document that a notebook of this run has drafted, by the document's name."""
    found: dict[str, tuple[str, str]] = {}
    for phase in phases:
        for record in (output.get(DRAFT_MIME) for output in _outputs(phase)):
            # Only names that the parameter file knows: what a kernel says becomes no file's name.
            if _ours(record, run) and record.get("name") in DRAFTED:
                found.setdefault(record["name"], (phase.name, str(record.get("text"))))
    return found


def _outputs(phase: Phase) -> list[dict[str, Any]]:
    """Return the data of every output of an executed notebook."""
    outputs = [output for cell in _cells(phase) for output in cell.get("outputs", [])]
    return [output["data"] for output in outputs if isinstance(output.get("data"), dict)]


def _cells(phase: Phase) -> list[dict[str, Any]]:
    """Return the cells of an executed notebook; of one that is not there or not whole, none."""
    try:
        cells: list[dict[str, Any]] = json.loads(phase.path.read_text(encoding="utf-8"))["cells"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return []
    return cells


def _ours(record: Any, run: Record) -> TypeGuard[dict[str, Any]]:
    """Return whether a record carries this run's nonce, which no data and no older notebook can know."""
    return isinstance(record, dict) and record.get("run") == run["id"] and record.get("nonce") == run["nonce"]


def _read_verdicts(
    outputs: list[dict[str, Any]], phase: Phase, run: Record, found: dict[str, Verdict], problems: list[str]
) -> None:
    for output in outputs:
        record = output.get(MIME)
        if record is None:
            continue
        if not _ours(record, run):
            problems.append(f"{phase.name} shows a verdict that is not of this run; it is left out")
            continue
        try:
            verdict = Verdict.from_json(record)
        except ValueError as error:
            problems.append(f"{phase.name} shows a broken verdict: {error}")
            continue
        verdict.waiver = verdict.accepted = None  # what waives is the runner's to say
        if verdict.check in found:
            problems.append(f"{verdict.check} has two verdicts; the worse one counts")
            verdict = max(found[verdict.check], verdict, key=lambda one: one.status.rank)
        found[verdict.check] = verdict


def _complete(verdict: Verdict, planned: Record) -> Verdict:
    """Add a result for each planned scope that the verdict says nothing of, and judge it anew from its results."""
    verdict.phase = planned["phase"]
    if planned["skipped"]:
        return verdict
    told = [result.scope for result in verdict.results]
    for scope in planned["scopes"]:
        if scope not in told:
            verdict.results.append(_unknown(scope, "the check said nothing of this scope"))
    verdict.status = worst(result.status for result in verdict.results)
    return verdict


def _missing(planned: Record, ended_by: str) -> Verdict:
    reason = f"planned, but not executed: {ended_by}"
    results = [_unknown(scope, reason) for scope in planned["scopes"] or [{}]]
    if planned["skipped"]:  # it could not have been run anyway
        results = [Result({}, Status.SKIPPED, observed="not run", reason=planned["skipped"])]
    return Verdict(
        check=planned["check"],
        claim=planned["claim"],
        why=planned["why"],
        requirement=planned["requirement"],
        severity=planned["severity"],
        status=worst(result.status for result in results),
        results=results,
        phase=planned["phase"],
    )


def _unknown(scope: dict[str, str], reason: str) -> Result:
    return Result(scope, Status.INCONCLUSIVE, observed="nothing", reason=reason)
