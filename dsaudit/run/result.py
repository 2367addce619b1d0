"""A run's result: what was planned, found and decided, and of what; every file of a report is made from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from dsaudit import evidence, handoff
from dsaudit.checks import Planned
from dsaudit.database.identity import Identity
from dsaudit.database.politeness import pauses
from dsaudit.parameters import Parameters, Part, project_root
from dsaudit.parameters.baseline import Baseline
from dsaudit.parameters.database import Polite
from dsaudit.parameters.part import since_text
from dsaudit.report import detection
from dsaudit.run import execute, judging
from dsaudit.verdict import Verdict, bounds
from dsaudit.verdict.card import plural

Record = dict[str, Any]

LONGEST_APART = timedelta(hours=1)  # of the reading of the source and the instant of a run that was taken up again


@dataclass(frozen=True)
class Ran:
    """What is known of a run when its phases have ended."""

    blueprint: Path
    parameters: Parameters
    plan: list[Planned]
    phases: list[execute.Phase]
    identity: Identity
    given: handoff.Handoff
    started: datetime
    overrides: dict[str, str]
    accepted: Baseline
    narrowed: bool  # whether the command line chose phases or checks
    instants: list[Record]  # each instant of the database with the phases that it served; several if it was taken up


def of(ran: Ran) -> Record:
    """Return the result of a run; what came before it is not compared yet."""
    given = ran.given
    terms = yaml.safe_load((ran.blueprint / "blueprint.yml").read_text(encoding="utf-8")) or {}
    result = {
        "schema": 1,
        "run": {
            "id": given.run,
            "nonce": given.nonce,
            "blueprint": ran.blueprint.name,
            "integration": ran.parameters.integration,
            "environment": ran.parameters.environment,
            "tenants": ran.parameters.tenant_names,
            "part": ran.parameters.part.to_json(),
            "started": ran.started.isoformat(),
            "ended": datetime.now(UTC).isoformat(),
            **evidence.provenance(),
        },
        "instant": {
            **ran.identity.to_json(),
            "time": given.instant,
            "renewed": max(len(ran.instants) - 1, 0),
            "served": ran.instants,
        },
        "parameters": _parameters(ran),
        "terms": {name: terms.get(name, []) for name in ("criteria", "checklist")},
        "plan": [planned_to_json(planned) for planned in ran.plan],
        "phases": [phase.to_json() for phase in ran.phases],
        "detection": detection.measured(ran.blueprint.name),
        "probe": _probe(given),
        "pauses": pauses(given.private),
        "own_problems": _own_problems(ran),
    }
    result = _without_secrets(result, ran.parameters)
    return judging.judged(result, ran.phases, ran.parameters, ran.accepted, lambda found: _limits(ran, found))


def _own_problems(ran: Ran) -> list[str]:
    """Return what no notebook tells: what is left at the source, and a replica that showed what no longer was."""
    problems = []
    if left := execute.left(ran.given.private):
        problems.append(f"still at the source, to be deleted by hand: {left}")
    most = (ran.parameters.database.polite or Polite.model_validate({})).lag
    if ran.identity.behind > most:
        problems.append(
            f"the replica was {ran.identity.behind:.0f} s behind its primary when the run began, of which "
            f"{most:g} s are let pass (database.polite.lag): audit again when it has caught up"
        )
    return problems


def _without_secrets(result: Record, parameters: Parameters) -> Record:
    """Return the record of a run with secrets masked, such as one that was given by `--set`, and then say so."""
    secrets = evidence.Secrets(evidence.secret_values(parameters))
    if not secrets.are_in(result):
        return result
    masked: Record = secrets.masked(result)
    told = "a secret stood in the record of the run, such as in its parameters; it was masked"
    return {**masked, "own_problems": [*masked["own_problems"], told]}


def _parameters(ran: Ran) -> Record:
    """Return the parameter file as it was in force: what it holds of secrets are their names."""
    path = ran.parameters.path.resolve()
    places = (project_root(), Path.cwd())  # seen from elsewhere it says nothing to whoever reads the report
    return {
        "file": path.name,
        "path": next((path.relative_to(one).as_posix() for one in places if path.is_relative_to(one)), None),
        "sha256": ran.parameters.sha256,
        "values": ran.parameters.given,
        "baseline": ran.accepted.seal,
        "overrides": ran.overrides,
        "inferred": ran.given.inferred,
    }


def planned_to_json(planned: Planned) -> Record:
    """Return a call of the plan as a record."""
    headers = planned.check.headers
    return {
        "phase": planned.phase,
        "cell": planned.cell,
        "check": planned.check.name,
        "scopes": planned.scopes,
        "required": planned.required,
        "skipped": planned.skipped,
        "explains": planned.check.listed("explains"),
        "acts": None if planned.skipped else headers.get("acts"),
        "claim": headers["title"],
        "why": headers["why"],
        "requirement": planned.check.listed("requirement"),
        "severity": headers["severity"],
    }


def _limits(ran: Ran, verdicts: list[Verdict]) -> Iterator[str]:
    """Yield what makes this run say less than a whole one, in sentences."""
    yield from limits_of_part(ran.given.part, verdicts)
    if ran.narrowed:
        yield f"narrowed to {plural(len(ran.plan), 'check')} by the command line; nothing else was audited"
    index = ran.given.recording / "index.json"
    reading = json.loads(index.read_text(encoding="utf-8")) if index.is_file() else {}
    if not reading:
        return
    read = datetime.fromisoformat(reading["started"])
    when = f"{read:%Y-%m-%d %H:%M:%S} UTC"
    if "replayed" in reading:
        yield f"the source was read at {when}, by the run {reading['replayed']}; what changed there since is not known"
    elif datetime.fromisoformat(ran.given.instant) - datetime.fromisoformat(reading["ended"]) > LONGEST_APART:
        yield f"the source was read at {when}, before the run was stopped; what changed there since is not known"


def _probe(given: handoff.Handoff) -> dict[str, Any] | None:
    """Return what was sent to our own webhook address, or None: a reader has to know that it was not reading alone."""
    path = given.recording / "probe.json"
    probe = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    kinds = [one["kind"] for one in probe["sent"]] if probe else []
    return {"address": probe["address"], "kinds": kinds} if probe and kinds else None


def limits_of_part(part: Part, verdicts: list[Verdict]) -> Iterator[str]:
    """Yield what a part leaves out and, of a sample, what it proves by its worst check."""
    if part.resources or part.tenants:
        named = part.words_of(part.resources, part.tenants)
        yield f"narrowed to {named} by the command line; what else there is was neither read nor judged"
    if part.since:
        yield f"narrowed to what changed since {since_text(part.since)}; what did not change was not compared"
    if part.sample:
        found: dict[str, list[int]] = {}
        for name, bound in (item for verdict in verdicts for item in verdict.bounds.items()):
            found[name] = max(found.get(name, bound), bound, key=lambda one: bounds.widest(*one))
        widest, *others = bounds.told(found) or ["nothing was drawn, or no check that judges by it has run"]
        more = "; of the others less can be wrong, as their checks say" if others else ""
        yield f"a sample of up to {part.sample:,} records of each resource (seed {part.seed}); {widest}{more}"
