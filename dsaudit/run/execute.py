"""Executes notebooks with papermill, each in a kernel of its own, as many at once as there are jobs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from dsaudit.checks import CheckError, Planned
from dsaudit.database.errors import TOLD
from dsaudit.evidence import Secrets, secret_values
from dsaudit.handoff import LEFT
from dsaudit.parameters import Parameters
from dsaudit.progress import of_kernels
from dsaudit.run import scrubbing
from dsaudit.verdict.card import plural
from dsaudit.wording import LAST_CELL, class_name, span

if TYPE_CHECKING:
    from dsaudit.run import Options
    from dsaudit.run.record import Record

CELL_SECONDS = 900
OUTPUT_SECONDS = 60  # that a cell's outputs may come behind its end, as on a machine that is busy
AGAIN_SECONDS = 5.0  # after which a check that goes on is interrupted again
CLEANING_SECONDS = 30.0  # that a check has, of a run that is stopped, to delete what it made at the source
MOST_TOLD = 500  # letters of what an exception says
SELECTED = "selected"  # folder below private/ for notebooks reduced to some of their checks

T = TypeVar("T")
# Executes a notebook into a file; one that acts is begun once at most.
Execute = Callable[[Path, Path, bool], "Phase"]


class LeftBehindError(Exception):
    """The run was stopped, and a record that a check had made is still at the source; the message names it."""


@dataclass
class Phase:
    """How one notebook's execution ended."""

    name: str
    path: Path
    seconds: float
    ended_by: str  # LAST_CELL, or what stopped it
    sha256: str
    source: str = ""  # the digest of the notebook that was executed, as the blueprint has it

    @property
    def is_whole(self) -> bool:
        """Whether it ran to its end."""
        return self.ended_by == LAST_CELL

    def to_json(self) -> dict[str, Any]:
        """Return the phase as a record, with its place in the run folder."""
        return {**asdict(self), "path": f"phases/{self.path.name}"}


def execute(
    blueprint: Path,
    plan: list[Planned],
    parameters: Parameters,
    options: Options,
    record: Record,
    kept: dict[str, Phase],
    progress: Callable[[str], None],
    elsewhere: AbstractContextManager[Execute] | None = None,
) -> list[Phase]:
    """Execute the notebooks that the plan names, but those whose phases are kept; return how each ended, in order.

    `elsewhere` yields what executes one where it waits for its turn by itself; here as many run at once as there are
    jobs. Politely one runs at a time, wherever it does.
    """
    names = list(dict.fromkeys(planned.phase for planned in plan))
    polite = parameters.database.polite
    jobs = options.jobs or (1 if polite else len(names) if elsewhere else os.cpu_count()) or 1
    # Of several at once those with most checks begin first: begun last, they would be waited for with nothing beside.
    checks = Counter(planned.phase for planned in plan) if jobs > 1 else Counter()
    here = contextlib.nullcontext(lambda source, target, acts: execute_one(source, target, parameters.path))
    done, folder, act = dict(kept), record.folder, acting(plan)
    sources = {name: hashlib.sha256((blueprint / f"{name}.ipynb").read_bytes()).hexdigest() for name in names}
    secrets = Secrets(secret_values(parameters))
    look = of_kernels(record.private, lambda line: progress(secrets.masked(line)))
    clean_what_is_written(folder / "phases", secrets)
    progress(f"executing {plural(len(names) - len(kept), 'notebook')}, {min(jobs, len(names))} at a time")
    with (
        ThreadPoolExecutor(max_workers=jobs) as pool,
        stopping(pool, record.private),
        elsewhere or here as execute_,
    ):
        for at_once in turns(plan, _last(blueprint)):
            tasks = []
            for name in sorted((one for one in at_once if one not in kept), key=lambda one: -checks[one]):
                if name in act:
                    record.add("acts", name=name)
                source = _reduced(blueprint / f"{name}.ipynb", plan, options, folder / "private" / SELECTED)
                tasks.append(pool.submit(execute_, source, folder / "phases" / f"{name}.ipynb", name in act))
            for task in ended(tasks, look):
                ended_by = secrets.masked(task.result().ended_by)
                phase = replace(task.result(), source=sources[task.result().name], ended_by=ended_by)
                done[phase.name] = phase
                told = {name: getattr(phase, name) for name in ("seconds", "ended_by", "sha256", "source")}
                record.add("phase", name=phase.name, **told)
                progress(f"{phase.name} done in {span(phase.seconds)} ({len(done)} of {len(names)})")
    return [done[name] for name in names]


def acting(plan: Sequence[Planned]) -> set[str]:
    """Return the phases with a check that acts on the system."""
    return {planned.phase for planned in plan if "acts" in planned.check.headers and not planned.skipped}


def turns(plan: list[Planned], last: Collection[str] = ()) -> list[list[str]]:
    """Return the phases that run at once, one list after the other: those that act each alone, and those in `last`.

    What a check does to the system would change what another sees that looks at the same time.
    """
    names = list(dict.fromkeys(planned.phase for planned in plan))
    alone = [name for name in names if name in acting(plan) and name not in last]
    first = [name for name in names if name not in alone and name not in last]
    return [turn for turn in (first, *([name] for name in alone), [name for name in names if name in last]) if turn]


def _last(blueprint: Path) -> list[str]:
    """Return the phases that run when all others have ended, as the blueprint names them: they tell of the others."""
    terms = yaml.safe_load((blueprint / "blueprint.yml").read_text(encoding="utf-8")) or {}
    last: list[str] = terms.get("last", [])
    return last


def ended(tasks: Iterable[Future[T]], look: Callable[[], None]) -> Iterator[Future[T]]:
    """Yield each task as it ends, and `look` meanwhile.

    A wait without a limit would not end with Ctrl-C where a driver restarts it.
    """
    left = set(tasks)
    while left:
        done, left = wait(left, timeout=0.2, return_when=FIRST_COMPLETED)
        look()
        yield from done


@contextlib.contextmanager
def stopping(pool: ThreadPoolExecutor, private: Path) -> Iterator[None]:
    """Let Ctrl-C end the kernels at once; the pool would wait for the notebooks under way, and for those after them.

    A check that has made a record at the source deletes it first.
    """
    try:
        yield
    except BaseException:
        from dsaudit.run import kernels

        pool.shutdown(wait=False, cancel_futures=True)
        try:
            left = _left_behind(private / LEFT)
        finally:
            kernels.kill_all()
        if left:
            raise LeftBehindError(f"stopped; still at the source, to be deleted by hand: {left}") from None
        raise


def left(private: Path) -> str | None:
    """Return what a check that has ended, or was ended, has left at the source, or None."""
    note = private / LEFT
    return str(json.loads(note.read_text(encoding="utf-8"))["what"]) if note.is_file() else None


def _left_behind(note: Path) -> str | None:
    """Let a check that has made a record at the source delete it, and return what it could not delete."""
    from dsaudit.run import kernels

    ends = time.monotonic() + CLEANING_SECONDS
    again = 0.0
    while note.is_file():
        if time.monotonic() >= again:  # one that comes where Python cannot raise it is lost
            kernels.interrupt_all()
            again = time.monotonic() + AGAIN_SECONDS
        with contextlib.suppress(OSError, ValueError):
            record = json.loads(note.read_text(encoding="utf-8"))
            if record["given_up"] or time.monotonic() > ends:
                return str(record["what"])
        time.sleep(0.1)
    return None


def execute_one(source: Path, target: Path, system: Path) -> Phase:
    """Execute a notebook on the system that a parameter file describes, in a kernel of its own."""
    import papermill
    from traitlets.config import Config

    from dsaudit.run import kernels

    _check_parameters(source)
    clock = time.perf_counter()
    ended_by = LAST_CELL
    # A kernel speaks over sockets in a folder of its own: over TCP everybody on the machine could listen.
    with _quiet(), tempfile.TemporaryDirectory(prefix="dsaudit-") as sockets:
        try:
            notebook = papermill.execute_notebook(
                str(source),
                str(target),
                parameters={"system": str(system)},
                kernel_name="python3",
                progress_bar=False,
                request_save_on_cell_execute=False,
                execution_timeout=CELL_SECONDS,
                iopub_timeout=OUTPUT_SECONDS,
                kernel_manager_class=kernels.MANAGER,
                config=Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}}),
                extra_arguments=["--IPKernelApp.log_level=50"],
            )
            outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
            if any(output.get("ename") == "SystemExit" for output in outputs):  # which papermill takes for an end
                ended_by = "SystemExit in a cell"
        except papermill.PapermillExecutionError as error:
            ended_by = _stopped_by(error.ename, error.evalue)
        except Exception as error:
            # A kernel and a cell's limit are of the phase; no disk to write it to, or no kernel to start, is not.
            if isinstance(error, OSError) and not isinstance(error, (ConnectionError, TimeoutError)):
                raise
            ended_by = f"{type(error).__name__}: the kernel died or did not answer"
    digest = hashlib.sha256(target.read_bytes()).hexdigest() if target.is_file() else ""
    return Phase(source.stem, target, round(time.perf_counter() - clock, 2), ended_by, digest)


def _stopped_by(name: object, words: object) -> str:
    """Return which exception stopped a cell: its text may quote the data, and goes on only where it is made not to."""
    told = class_name(name, "Exception")
    lines = str(words).splitlines() if told in TOLD else []
    return f"{told} in a cell" + (f": {lines[0][:MOST_TOLD]}" if lines else "")


def clean_what_is_written(folder: Path, secrets: Secrets) -> None:
    """Let nothing but cleaned notebooks be written below a folder by papermill."""
    from papermill.iorw import papermill_io

    papermill_io.register(str(folder), scrubbing.Cleaning(secrets))


def _check_parameters(source: Path) -> None:
    """Hold the names we inject against the notebook's own: papermill only warns, and runs with the default."""
    import nbformat

    notebook = nbformat.read(source, as_version=4)
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1 or "system" not in cells[0].source:
        raise CheckError(f"{source}: one cell tagged `parameters` has to set `system`")


def _reduced(source: Path, plan: list[Planned], options: Options, folder: Path) -> Path:
    """Return the notebook itself or, where only some checks are asked for, a copy without the others' cells."""
    if not options.checks:
        return source
    import nbformat

    from dsaudit.checks.planning import check_calls

    wanted = {planned.cell for planned in plan if planned.phase == source.stem}
    others = {cell for cell, _ in check_calls(source)} - wanted
    notebook = nbformat.read(source, as_version=4)
    notebook.cells = [
        cell
        for cell, after in zip(notebook.cells, [*notebook.cells[1:], None], strict=True)
        if cell.id not in others and not (after is not None and cell.cell_type == "markdown" and after.id in others)
    ]
    folder.mkdir(exist_ok=True)
    nbformat.write(notebook, folder / source.name)
    return folder / source.name


@contextlib.contextmanager
def _quiet() -> Any:
    """Keep papermill's own log off the terminal, where it could print what a cell printed."""
    import logging

    logger = logging.getLogger("papermill")
    logger.disabled = True
    yield


def prepare_imports() -> None:
    """Keep a slow module out of `import papermill`: jsonschema takes it if it is there, and works without.

    rfc3987_syntax builds a grammar while it is imported, about a second of every start; nothing here needs it.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
