"""A run's result: what was planned, found and decided, and of what; every file of a report is made from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from dsaudit import evidence, handoff
from dsaudit.checks import Planned
from dsaudit.database.identity import Identity
from dsaudit.parameters import Parameters, Part, project_root
from dsaudit.parameters.baseline import Baseline
from dsaudit.parameters.part import since_text
from dsaudit.run import execute, judging
from dsaudit.verdict import Verdict, bounds
from dsaudit.verdict.card import plural

Record = dict[str, Any]


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


def of(ran: Ran) -> Record:
    """Return the result of a run; what came before it is not compared yet."""
    given = ran.given
    left = execute.left(given.private)
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
        "instant": {**ran.identity.to_json(), "time": given.instant, "renewed": 0},
        "parameters": _parameters(ran),
        "terms": {name: terms.get(name, []) for name in ("criteria", "checklist")},
        "plan": [_planned(planned) for planned in ran.plan],
        "phases": [phase.to_json() for phase in ran.phases],
        "probe": _probe(given),
        "stopped": [f"still at the source, to be deleted by hand: {left}"] if left else [],
    }
    result = _without_secrets(result, ran.parameters)
    return judging.judged(result, ran.phases, ran.parameters, ran.accepted, lambda found: _limits(ran, found))


def _without_secrets(result: Record, parameters: Parameters) -> Record:
    """Return the record of a run with secrets masked, such as one that was given by `--set`, and then say so."""
    secrets = evidence.Secrets(evidence.secret_values(parameters))
    if not secrets.are_in(result):
        return result
    masked: Record = secrets.masked(result)
    told = "a secret stood in the record of the run, such as in its parameters; it was masked"
    return {**masked, "stopped": [*masked["stopped"], told]}


def _parameters(ran: Ran) -> Record:
    """Return the parameter file as it was in force: what it holds of secrets are their names."""
    path = ran.parameters.path.resolve()
    return {
        "file": path.name,
        "path": path.relative_to(root).as_posix() if path.is_relative_to(root := project_root()) else path.name,
        "sha256": ran.parameters.sha256,
        "values": ran.parameters.whole.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"path"}),
        "baseline": ran.accepted.seal,
        "overrides": ran.overrides,
        "inferred": ran.given.inferred,
    }


def _planned(planned: Planned) -> Record:
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
    if "replayed" in reading:
        read = datetime.fromisoformat(reading["started"])
        when = f"{read:%Y-%m-%d %H:%M:%S} UTC"
        yield f"the source was read at {when}, by the run {reading['replayed']}; what changed there since is not known"


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
