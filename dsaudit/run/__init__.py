"""One execution of a blueprint: plan, papermill, verdicts, files. Reads top to bottom."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dsaudit import checks, evidence, handoff, logs
from dsaudit.checks import Planned
from dsaudit.database import Database, inference
from dsaudit.database.identity import guard, identify
from dsaudit.evidence import signing
from dsaudit.parameters import Parameters, baseline, project_root
from dsaudit.run import execute, history, publishing, result
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
    RunError, DatabaseError, CheckError, BaselineError, SigningError
        It could not start.
    """
    blueprint = find_blueprint(parameters, options.blueprint)
    plan = narrowed(checks.plan(blueprint, parameters), options)
    key = signing.signing_key(parameters)
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
        is_narrowed = bool(options.checks or options.phases)
        ran = result.Ran(
            blueprint, parameters, plan, phases, identity, given, started, options.overrides, accepted, is_narrowed
        )
        found = result.of(ran)
        history.compare(found, parameters, options.out)
        found["digest"] = evidence.digest(found)
        found["drafts"] = [*publishing.drafts(folder, phases, found["run"])]
        return Outcome(publishing.publish(folder, found, parameters, accepted, key), found)
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
