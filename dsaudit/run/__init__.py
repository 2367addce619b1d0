"""One execution of a blueprint: plan, papermill, verdicts, files. Reads top to bottom."""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsaudit import checks, evidence, handoff, history, logs
from dsaudit.checks import Planned
from dsaudit.database import Database, inference
from dsaudit.database.identity import guard, identify
from dsaudit.evidence import signing
from dsaudit.evidence.manifest import UNFINISHED
from dsaudit.parameters import Parameters, baseline, project_root
from dsaudit.run import ahead, cluster, execute, publishing, result, resuming, scheduler, segments
from dsaudit.run.record import Record, acting_alone, made
from dsaudit.verdict.masking import Mask, load_key
from dsaudit.wording import did_you_mean

if TYPE_CHECKING:
    from distributed import Client

Progress = Callable[[str], None]
ReadSource = Callable[[Parameters, Path, Progress, Callable[[], object]], None]


class RunError(Exception):
    """The run could not start, or was stopped; the message says how to go on."""


@dataclass
class Options:
    """What the command line narrows or sets."""

    blueprint: str = ""
    phases: Sequence[str] = ()
    checks: Sequence[str] = ()
    jobs: int = 0
    out: Path | None = None
    overrides: dict[str, str] = field(default_factory=dict)
    replay: Path | None = None  # the run whose reading of the source is used
    resume: Path | None = None  # the run to go on with; the options above are those that it was begun with
    acts_again: bool = False  # whether a phase that was stopped while it acted may act once more
    dask: str = ""  # the address of a scheduler: phases run on its cluster
    command: str = ""  # that goes on with the run, were it stopped, without the folder

    def asked(self, parameters: Parameters) -> dict[str, Any]:
        """Return what a run that is taken up has to be given again."""
        return {
            "blueprint": self.blueprint,
            "phases": [*self.phases],
            "checks": [*self.checks],
            "overrides": self.overrides,
            "replay": str(self.replay.resolve()) if self.replay else None,
            "part": parameters.part.to_json(),
            "acting": parameters.acting,
        }


@dataclass(frozen=True)
class Outcome:
    """Where the evidence lies, and what was decided."""

    folder: Path
    result: dict[str, Any]


def run(parameters: Parameters, options: Options, read_source: ReadSource, progress: Progress) -> Outcome:
    """Audit a system and write its evidence.

    Raises
    ------
    RunError, DatabaseError, CheckError, BaselineError, SigningError, ClusterError
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
        conditions = resuming.conditions(blueprint, parameters, plan, options.overrides, identity)
        with contextlib.ExitStack() as held:
            client = held.enter_context(scheduler.reached(options.dask)) if options.dask else None
            if parameters.acting and not options.replay:
                held.enter_context(acting_alone(parameters.integration, identity.pin))
            record = held.enter_context(_record(parameters, options))
            if options.resume:
                resuming.refuse(record, conditions, options.acts_again)
            held.enter_context(_kept_for_later(record, options.command or f"dsaudit run {parameters.path}"))
            if not options.resume:
                begun = {"run": record.folder.name, "nonce": secrets.token_hex(16), "asked": options.asked(parameters)}
                record.add("begun", **begun, conditions=conditions, code=evidence.provenance())
            given = _given(record, parameters, options, inferred)
            if client:
                progress("looking at the workers of the cluster")
                with _at_one_instant(database, given) as handed:
                    cluster.look_for_phases(client, blueprint, parameters, handed, identity)
            kernels = 0 if client else len({planned.phase for planned in plan})
            meanwhile = held.enter_context(ahead.possible(kernels))
            _read(read_source, parameters, plan, options, record, progress, meanwhile)
            given, phases = _executed(blueprint, plan, parameters, options, database, record, given, client, progress)
            progress("writing the report")
            ran = result.Ran(
                blueprint,
                parameters,
                plan,
                phases,
                identity,
                given,
                datetime.fromisoformat(record.events[0]["at"]),
                options.overrides,
                accepted,
                bool(options.checks or options.phases),
                record.instants(),
            )
            found = result.of(ran)
            history.compare(found, record.folder.parent.parent)
            found["digest"] = evidence.digest(found)
            found["drafts"] = [*publishing.drafts(record.folder, phases, found["run"])]
            record.add("judged", decision=found["decision"], digest=found["digest"])
            return Outcome(publishing.publish(record.folder, found, parameters, accepted, key), found)
    finally:
        database.close()


def _given(
    record: Record, parameters: Parameters, options: Options, inferred: list[inference.Inferred]
) -> handoff.Handoff:
    """Return what is handed over to kernels, but for the instant."""
    instants = record.instants()
    return handoff.Handoff(
        record.folder.name,
        record.events[0]["nonce"],
        "",
        instants[-1]["time"] if instants else "",
        record.private,
        options.overrides,
        [one.to_json() for one in inferred],
        parameters.part,
        parameters.acting,
        options.replay is not None,
    )


def _executed(
    blueprint: Path,
    plan: list[Planned],
    parameters: Parameters,
    options: Options,
    database: Database,
    record: Record,
    given: handoff.Handoff,
    client: Client | None,
    progress: Progress,
) -> tuple[handoff.Handoff, list[execute.Phase]]:
    """Execute the phases that the record does not have, at an instant of their own."""
    names = list(dict.fromkeys(planned.phase for planned in plan))
    kept = resuming.kept(record, names)
    if options.resume:
        resuming.clear(record, kept, plan, is_replay=options.replay is not None)
    if names and all(name in kept for name in names):
        return given, [kept[name] for name in names]
    with _at_one_instant(database, given) as handed:
        record.add("instant", time=handed.instant)
        if client is None:
            return handed, execute.execute(blueprint, plan, parameters, options, record, kept, progress)
        jobs = options.jobs or (1 if parameters.database.polite else 0)
        lists = segments.pieces((one for one in plan if one.phase not in kept), parameters, handed.recording, jobs)
        with cluster.comparing(client, blueprint, parameters, handed, lists):
            there = cluster.executing(client, blueprint, parameters, handed, record, progress)
            return handed, execute.execute(blueprint, plan, parameters, options, record, kept, progress, there)


@contextlib.contextmanager
def _at_one_instant(database: Database, given: handoff.Handoff) -> Iterator[handoff.Handoff]:
    """Hold an instant of the database and hand it over to kernels, for as long as the block."""
    with database.held_snapshot() as snapshot:
        database.snapshot = snapshot
        try:
            handed = replace(given, snapshot=snapshot, instant=identify(database).time)
            with _handed_over(handed):
                yield handed
        finally:
            database.snapshot = None


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
    wanted = [planned for planned in plan if not options.checks or planned.check.name in options.checks]
    part = [one for one in wanted if not options.phases or any(_is_phase(one.phase, name) for name in options.phases)]
    if not plan:
        raise RunError("no notebook of this blueprint calls a check")
    if not part:
        raise RunError(f"{wanted[0].check.name} is in phase {wanted[0].phase}, which --phase leaves out")
    return part


def _is_phase(name: str, part: str) -> bool:
    """Return whether ``4``, ``04`` or ``04_deduplication`` names a phase."""
    number, _, words = name.partition("_")
    return part in (name, words) or (part.isdigit() and int(part) == int(number))


def _new_name(now: datetime) -> str:
    """Call a run by its start, so that names stand in its order even within a second: its part is told in hex."""
    return f"{now:%Y%m%dT%H%M%SZ}-{now.microsecond * 0x10000 // 1_000_000:04x}"


@contextlib.contextmanager
def _record(parameters: Parameters, options: Options) -> Iterator[Record]:
    """Hold the record of the run to go on with, or of a new one in a folder of its own."""
    if options.resume:
        with made(options.resume.resolve()) as record:
            yield record
        return
    parent = (options.out or project_root() / "reports") / parameters.integration
    folder = parent / UNFINISHED / _new_name(datetime.now(UTC))
    with contextlib.ExitStack() as held:
        try:
            with contextlib.suppress(FileNotFoundError):  # another run has just ended, and removed the empty parent
                (folder / "phases").mkdir(parents=True)
            (folder / "phases").mkdir(parents=True, exist_ok=True)
            (folder / "private").mkdir(mode=0o700)
            record = held.enter_context(made(folder))
        except OSError as error:
            _remove(folder)
            raise RunError(f"{parent}: the report cannot be written here: {error.strerror}") from None
        yield record


def _read(
    read_source: ReadSource,
    parameters: Parameters,
    plan: list[Planned],
    options: Options,
    record: Record,
    progress: Progress,
    meanwhile: Callable[[], object],
) -> None:
    """Record the source and the logs, as far as the run has not done so."""
    recording = record.private / "recording"
    if not record.last("source read"):
        if parameters.source:
            read_source(parameters.sending_only(checks.sent_for(plan)), recording, progress, meanwhile)
        elif options.replay and (seen := options.replay / "private" / "recording" / handoff.ACTS).is_dir():
            shutil.copytree(seen, recording / handoff.ACTS, dirs_exist_ok=True)
    elif not options.replay:
        # At a later instant there are younger rows than what was read of the logs: they would look as if never logged.
        (recording / logs.INDEX).unlink(missing_ok=True)
    if parameters.logs:
        logs.record(parameters, recording, progress)
    if recording.is_dir():
        evidence.sync_all(recording)
    if not record.last("source read"):
        record.add("source read")


@contextlib.contextmanager
def _kept_for_later(record: Record, command: str) -> Iterator[None]:
    """Say how a run that breaks off is gone on with; where it has nothing to go on with, leave nothing behind."""
    try:
        yield
    except BaseException as error:
        if len(record.events) < 2 and not any(record.private.glob("recording/*/*.gz")):
            _remove(record.folder)
            raise
        how = f"go on with: {command} --resume {shlex.quote(str(record.folder))}"
        if not record.folder.is_dir():  # it has its final name, and only that is perhaps not on disk
            how = f"the run has ended and lies in {publishing.final(record.folder)}"
        if isinstance(error, KeyboardInterrupt):
            raise RunError(f"stopped; {how}") from None
        if isinstance(error, OSError):
            raise RunError(f"{error.filename or record.folder}: {error.strerror or error}; {how}") from None
        error.add_note(how)
        raise


def _remove(folder: Path) -> None:
    """Remove the folder of a run, and those above it that nothing else is in."""
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        for parent in list(folder.parents)[:3]:
            parent.rmdir()  # only the empty ones


@contextlib.contextmanager
def _handed_over(given: handoff.Handoff) -> Iterator[None]:
    path = given.write()
    os.environ[handoff.VARIABLE] = str(path)
    try:
        yield
    finally:
        del os.environ[handoff.VARIABLE]
        path.unlink()
