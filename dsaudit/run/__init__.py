"""One execution of a blueprint: plan, papermill, verdicts, files. Reads top to bottom."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from dsaudit import checks, evidence, handoff, logs, report
from dsaudit.checks import Planned
from dsaudit.database import Database, inference
from dsaudit.database.identity import Identity, guard, identify
from dsaudit.parameters import Parameters, Part, baseline, project_root
from dsaudit.parameters.part import since_text
from dsaudit.run import collect, decide, execute, history
from dsaudit.run.baseline import accept, told
from dsaudit.verdict import Verdict, bounds
from dsaudit.verdict.card import plural
from dsaudit.verdict.masking import Mask, load_key
from dsaudit.wording import did_you_mean

Progress = Callable[[str], None]
ReadSource = Callable[[Parameters, Path, Progress], None]


class RunError(Exception):
    """The run could not start; nothing was written."""


@dataclass
class Options:
    """What the command line narrows or sets."""

    blueprint: str = ""
    phases: Sequence[str] = ()
    checks: Sequence[str] = ()
    jobs: int = 0
    out: Path | None = None
    overrides: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """Where the evidence lies, and what was decided."""

    folder: Path
    result: dict[str, Any]


def run(parameters: Parameters, options: Options, read_source: ReadSource, progress: Progress) -> Outcome:
    """Audit a system and write its evidence.

    Raises
    ------
    RunError, DatabaseError, CheckError, BaselineError
        It could not start.
    """
    blueprint = find_blueprint(parameters, options.blueprint)
    plan = narrowed(checks.plan(blueprint, parameters), options)
    accepted = baseline.load(parameters, Mask(load_key(parameters.integration)))
    database = Database.open(parameters.database, name="dsaudit/runner")
    try:
        identity = identify(database)
        guard(parameters, identity)
        inferred = inference.infer(parameters, database)
        parameters = inference.completed(parameters, inferred, database.catalogue())
        if inferred:
            plan = narrowed(checks.plan(blueprint, parameters), options)
        started = datetime.now(UTC)
        folder = _draft_folder(parameters, options.out, started)
        private = folder / "private"
        if parameters.source:
            _read_source(read_source, parameters.sending_only(checks.sent_for(plan)), folder, progress)
        if parameters.logs:
            logs.record(parameters, private / "recording", progress)
        with database.held_snapshot() as snapshot:
            database.snapshot = snapshot
            identity = identify(database)
            given = handoff.Handoff(
                folder.name,
                secrets.token_hex(16),
                snapshot,
                identity.time,
                private,
                options.overrides,
                [one.to_json() for one in inferred],
                parameters.part,
                parameters.acting,
            )
            with _handed_over(given):
                phases = execute.execute(blueprint, plan, parameters, options, folder, progress)
        progress("writing the report")
        result = _result(blueprint, parameters, plan, phases, identity, given, started, options, accepted)
        result["drafts"] = [*_drafts(folder, phases, given)]
        return Outcome(_publish(folder, result, parameters), result)
    finally:
        database.close()


def find_blueprint(parameters: Parameters, chosen: str = "") -> Path:
    """Return the folder of the blueprint to run."""
    name = chosen or (parameters.blueprints[0] if len(parameters.blueprints) == 1 else "")
    if not name:
        raise RunError(f"the parameter file names {len(parameters.blueprints)} blueprints; choose with --blueprint")
    folder = project_root() / "notebooks" / name
    if not (folder / "blueprint.yml").is_file():
        known = ", ".join(sorted(path.parent.name for path in folder.parent.glob("*/blueprint.yml")))
        raise RunError(f"there is no blueprint {name!r}; there are {known}")
    return folder


def narrowed(plan: list[Planned], options: Options) -> list[Planned]:
    """Return the part of the plan that was asked for, all of it by default."""
    known = {planned.check.name for planned in plan}
    unknown = [name for name in options.checks if name not in known]
    if unknown:
        hint = did_you_mean(unknown[0], known, "`dsaudit list` names them all")
        raise RunError(f"no phase of this blueprint calls the check {unknown[0]!r}; {hint}")
    names = sorted({planned.phase for planned in plan})
    wrong = [part for part in options.phases if not any(_is_phase(name, part) for name in names)]
    if wrong:
        raise RunError(f"there is no phase {wrong[0]!r}; there are {', '.join(names)}")
    return [
        planned
        for planned in plan
        if (not options.checks or planned.check.name in options.checks)
        and (not options.phases or any(_is_phase(planned.phase, part) for part in options.phases))
    ]


def _is_phase(name: str, part: str) -> bool:
    """Return whether ``4``, ``04`` or ``04_deduplication`` names a phase."""
    number, _, words = name.partition("_")
    return part in (name, words) or (part.isdigit() and int(part) == int(number))


def _draft_folder(parameters: Parameters, out: Path | None, started: datetime) -> Path:
    name = f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    parent = (out or project_root() / "reports") / parameters.integration
    folder = parent / "unfinished" / name
    try:
        (folder / "phases").mkdir(parents=True)
        (folder / "private").mkdir(mode=0o700)
    except OSError as error:
        raise RunError(f"{parent}: the report cannot be written here: {error.strerror}") from None
    return folder


def _read_source(read_source: ReadSource, parameters: Parameters, folder: Path, progress: Progress) -> None:
    """Record the source; where that cannot even begin (a token that is not set), leave nothing behind."""
    recording = folder / "private" / "recording"
    try:
        read_source(parameters, recording, progress)
    except BaseException as error:
        if any(recording.glob("*/*.gz")):
            if isinstance(error, KeyboardInterrupt):
                raise RunError(f"stopped while reading the source; go on with --resume {folder}") from None
            progress(f"what was read so far is in {folder}")
            raise
        shutil.rmtree(folder)
        with contextlib.suppress(OSError):
            for parent in list(folder.parents)[:3]:
                parent.rmdir()  # only the empty ones
        raise


@contextlib.contextmanager
def _handed_over(given: handoff.Handoff) -> Iterator[None]:
    path = given.write()
    os.environ[handoff.VARIABLE] = str(path)
    try:
        yield
    finally:
        del os.environ[handoff.VARIABLE]
        path.unlink()


def _result(
    blueprint: Path,
    parameters: Parameters,
    plan: list[Planned],
    phases: list[execute.Phase],
    identity: Identity,
    given: handoff.Handoff,
    started: datetime,
    options: Options,
    accepted: baseline.Baseline,
) -> dict[str, Any]:
    verdicts, problems = collect.collect(plan, phases, given)
    if left := execute.left(given.private):
        problems.append(f"still at the source, to be deleted by hand: {left}")
    decide.waive(verdicts, parameters, started.date())
    accept(verdicts, accepted, started.date())
    terms = yaml.safe_load((blueprint / "blueprint.yml").read_text(encoding="utf-8"))
    result = {
        "schema": 1,
        "run": {
            "id": given.run,
            "nonce": given.nonce,
            "blueprint": blueprint.name,
            "integration": parameters.integration,
            "environment": parameters.environment,
            "tenants": parameters.tenant_names,
            "part": parameters.part.to_json(),
            "started": started.isoformat(),
            "ended": datetime.now(UTC).isoformat(),
            **evidence.provenance(),
        },
        "instant": {**identity.to_json(), "time": given.instant, "renewed": 0},
        "parameters": {
            "file": parameters.path.name,
            "sha256": parameters.sha256,
            "baseline": accepted.seal,
            "overrides": options.overrides,
            "inferred": given.inferred,
        },
        "plan": [_planned_record(planned) for planned in plan],
        "phases": [phase.to_json() for phase in phases],
        "verdicts": [verdict.to_json() for verdict in verdicts],
        "accepted": told(verdicts),
        "limits": [*_limits(plan, options, given, verdicts)],
        "probe": _probe(given),
        "problems": problems,
    }
    decide.decide(result, parameters, terms)
    history.compare(result, parameters, options.out)
    result["digest"] = evidence.digest(result)
    return result


def _limits(plan: list[Planned], options: Options, given: handoff.Handoff, verdicts: list[Verdict]) -> Iterator[str]:
    """Yield what makes this run say less than a whole one, in sentences."""
    yield from _limits_of_part(given.part, verdicts)
    if options.checks or options.phases:
        yield f"narrowed to {plural(len(plan), 'check')} by the command line; nothing else was audited"
    index = given.recording / "index.json"
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


def _limits_of_part(part: Part, verdicts: list[Verdict]) -> Iterator[str]:
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


def _planned_record(planned: Planned) -> dict[str, Any]:
    return {
        "phase": planned.phase,
        "cell": planned.cell,
        "check": planned.check.name,
        "scopes": planned.scopes,
        "required": planned.required,
        "skipped": planned.skipped,
        "explains": planned.check.listed("explains"),
        "acts": None if planned.skipped else planned.check.headers.get("acts"),
    }


def _drafts(folder: Path, phases: list[execute.Phase], given: handoff.Handoff) -> Iterator[dict[str, str]]:
    """Write the documents that the phases have drafted, and yield a record of each."""
    for name, (phase, text) in collect.drafts(phases, given).items():
        path = folder / f"{name}.md"
        evidence.write_atomically(path, text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        yield {"name": name, "phase": phase, "path": path.name, "sha256": digest}


def _publish(folder: Path, result: dict[str, Any], parameters: Parameters) -> Path:
    """Write the files, look through all of them for secrets, and give the folder its final name."""
    report.write(folder, result)
    _write_result(folder, result)
    leaks = evidence.scan(folder, parameters)
    if leaks:
        result["problems"] += [f"a secret stood in {leak}; the file was removed" for leak in leaks]
        result["drafts"] = [draft for draft in result["drafts"] if draft["path"] not in leaks]
        decide.downgrade(result, "a secret stood in the evidence")
        result["digest"] = evidence.digest(result)
        report.write(folder, result, phases=False)
        _write_result(folder, result)
        evidence.scan(folder, parameters)  # what cannot be told without the secret is not told
    final = folder.parent.parent / folder.name
    folder.rename(final)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()
    return final


def _write_result(folder: Path, result: dict[str, Any]) -> None:
    evidence.write_atomically(folder / "result.json", json.dumps(result, indent=1, ensure_ascii=False))
