"""Parts of a run on an existing Dask cluster: its scheduler says where, and what is done again when a worker is lost.

Before anything is read every worker is looked at: the same code, notebooks and folder, the database at the run's
instant. A phase is executed there as it is here, and its notebook comes back over the shared folder. Long lists are
compared before the phases that need them, and what came of it lies where any phase of the run leaves it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsaudit import evidence, handoff
from dsaudit.database.identity import Identity
from dsaudit.parameters import Parameters
from dsaudit.parameters.section import secrets_of
from dsaudit.progress import LOST, Progress
from dsaudit.run import worker
from dsaudit.run.apart import Work
from dsaudit.run.execute import Execute, Phase
from dsaudit.run.record import Record
from dsaudit.run.scheduler import ClusterError
from dsaudit.run.segments import Segment

if TYPE_CHECKING:
    from distributed import Client, Future

LONELY_SECONDS = 60.0  # that a run waits where the cluster has no worker left
LOOKS_APART = 5.0  # seconds between two looks at whether it has
ATTEMPTS = "attempts"  # folder below private/ for notebooks that workers execute
LISTS = "lists.json"  # in the private folder: which lists workers compare before the phases


def look(client: Client, works: dict[str, Work], expected: dict[str, Any]) -> None:
    """See that every worker has what it needs; `works` are the looks, by the worker's address.

    Raises
    ------
    ClusterError
        One has not: a line for each worker.
    """
    futures = {
        address: submitted(client, work, workers=[address], allow_other_workers=False)
        for address, work in works.items()
    }
    lines = []
    for address, future in futures.items():
        told = result_of(client, future, partial(_may_be_there, client, address))
        if words := _lacking(told, expected):
            lines.append(f"worker {address}: {words}")
    if lines:
        raise ClusterError("\n".join(lines))


def look_for_phases(
    client: Client, blueprint: Path, parameters: Parameters, given: handoff.Handoff, identity: Identity
) -> None:
    """See that every worker can execute this run's phases; the run is handed over, with an instant that is held.

    Raises
    ------
    ClusterError
        One cannot.
    """
    asked = _given(blueprint, parameters, given)
    own = set(secrets_of(parameters.evidence))  # of the runner alone: a phase signs nothing
    asked["variables"] = [name for name in parameters.secrets() if os.environ.get(name) and name not in own]
    expected = {
        **worker.things(asked),
        "variables": [],
        "parameter file": parameters.sha256,
        "database": identity.pin,
    }
    look(client, {address: _work("look", asked, given) for address in client.nthreads()}, expected)


@contextlib.contextmanager
def executing(
    client: Client,
    blueprint: Path,
    parameters: Parameters,
    given: handoff.Handoff,
    record: Record,
    progress: Progress,
) -> Iterator[Execute]:
    """Yield what executes a notebook on a worker; where the block breaks off, what was submitted is cancelled.

    A phase whose worker is lost is begun anew on another, as often as the scheduler allows, and that is told; one that
    acts is not.
    """
    stopped = threading.Event()
    asked = _given(blueprint, parameters, given)
    asked["things"] = worker.things(asked)

    def execute(source: Path, target: Path, acts: bool) -> Phase:
        clock = time.monotonic()
        attempt = given.private / ATTEMPTS / secrets.token_hex(4) / target.name
        once = str(given.private / f"{target.stem}.acting") if acts else ""
        work = _work("phase", {**asked, "source": str(source), "target": str(attempt)}, given, once)

        def again() -> None:
            record.add("lost", name=target.stem)
            progress(f"{LOST}, {target.stem} is executed anew")

        told = waited_for(client, replace(work, begun=str(attempt.parent)), lambda: not stopped.is_set(), again)
        if "answer" not in told and "error" not in told:
            why = "was lost while it acted, and it is not begun twice" if acts else "was lost, and so were others"
            return Phase(target.stem, target, round(time.monotonic() - clock, 2), f"its worker {why}", "")
        answer = _answer(told)
        if "error" in answer:
            raise ClusterError(f"worker {told.get('worker', 'of the cluster')}: {answer['error']}")
        if attempt.is_file():
            attempt.replace(target)
            evidence.sync(target.parent)
        shutil.rmtree(attempt.parent, ignore_errors=True)
        return Phase(**{**answer, "path": target})

    try:
        yield execute
    except BaseException:
        stopped.set()
        raise


@contextlib.contextmanager
def comparing(
    client: Client, blueprint: Path, parameters: Parameters, given: handoff.Handoff, pieces: list[list[Segment]]
) -> Iterator[None]:
    """Have long lists compared on workers, each piece by one, before what is submitted within the block.

    Nobody waits for that: a phase that needs a list waits while it is compared, and compares it itself where nobody
    does, or where that fails. What is left is cancelled at the end of the block.
    """
    if not pieces:
        yield
        return
    asked = _given(blueprint, parameters, given)
    asked |= {"things": worker.things(asked), "lists": str(given.private / LISTS)}
    handoff.write(given.private / LISTS, pieces)  # names of tenants and resources are not for the network
    works = [_work("segments", {**asked, "piece": number}, given) for number in range(len(pieces))]
    futures = [submitted(client, work, priority=1) for work in works]
    try:
        yield
    finally:
        with contextlib.suppress(Exception):  # the scheduler may be gone, and all of it with it
            client.cancel(futures)
        (given.private / LISTS).unlink()


def submitted(client: Client, work: Work, **where: Any) -> Future:
    """Submit a piece of work; `where` are the cluster's own words for which workers may do it."""

    def carry_out(given: dict[str, Any]) -> dict[str, Any]:
        from dsaudit.run import apart, worker

        return worker.carry_out(apart.Work(**given))

    # A function within another is sent whole. One by name has to be imported while it is unpickled, and a worker that
    # cannot do so loses its connection and ends, whosever it is.
    return client.submit(carry_out, asdict(work), pure=False, **where)


def waited_for(client: Client, work: Work, is_wanted: Callable[[], bool], again: Callable[[], None]) -> dict[str, Any]:
    """Submit a piece of work and return its `result_of`; `again` is called each time that it is begun anew.

    That it is where a worker was lost, and is seen by the marks that workers leave in the folder `Work.begun`.

    Raises
    ------
    ClusterError
        The scheduler or all workers are gone.
    OSError
        The folder cannot be made.
    """
    folder, times = Path(work.begun), 1
    folder.mkdir(parents=True)

    def look() -> bool:
        nonlocal times
        if not is_wanted():
            return False
        for _ in range(len([*folder.glob(f"*{worker.BEGUN}")]) - times):
            times += 1
            again()
        return True

    told = result_of(client, submitted(client, work), look)
    look()
    return told


def result_of(client: Client, future: Future, is_wanted: Callable[[], bool]) -> dict[str, Any]:
    """Return what a worker told of its work; ``lost`` where workers were lost with it, ``cancelled`` if not wanted.

    Raises
    ------
    ClusterError
        The scheduler or all workers are gone.
    """
    from distributed import CancelledError, KilledWorker

    alone_since, looked = None, time.monotonic()
    while True:
        if not is_wanted():
            future.cancel()
            return {"cancelled": True}
        try:
            told: dict[str, Any] = future.result(timeout=0.5)
            return told
        except TimeoutError:
            pass
        except KilledWorker:
            return {"lost": True}
        except (CancelledError, OSError):
            raise ClusterError("the connection to the cluster's scheduler was lost") from None
        except Exception as error:  # it cannot be one of the work's own
            return {"error": f"cannot begin ({type(error).__name__}); install the same dsaudit[dask] there"}
        if time.monotonic() - looked > LOOKS_APART:
            looked = time.monotonic()
            alone_since = None if _may_be_there(client) else alone_since or looked
            if alone_since and looked - alone_since > LONELY_SECONDS:
                future.cancel()
                raise ClusterError(f"the cluster has had no worker for {LONELY_SECONDS:.0f} s")


def _may_be_there(client: Client, address: str = "") -> bool:
    """Return whether the cluster has this worker, or any; where it cannot be asked now, the work will tell."""
    try:
        found = client.nthreads()
    except Exception:  # of whatever kind: there is no connection
        return True
    return address in found if address else bool(found)


def _given(blueprint: Path, parameters: Parameters, given: handoff.Handoff) -> dict[str, Any]:
    return {
        "system": str(parameters.path),
        "blueprints": [str(blueprint)],
        "seen": str(given.private / handoff.FILE),
        "integrations": [parameters.integration],
    }


def _work(does: str, asked: dict[str, Any], given: handoff.Handoff, once: str = "") -> Work:
    environment = {handoff.VARIABLE: str(given.private / handoff.FILE)}
    return Work(does, asked, str(Path.cwd()), environment, once)


def _answer(told: dict[str, Any]) -> dict[str, Any]:
    """Return what a process answered on a worker, or the ``error`` that kept it from that."""
    answer: dict[str, Any] = told.get("answer") or {"error": told["error"]}
    return answer


def _lacking(told: dict[str, Any], expected: dict[str, Any]) -> str:
    """Return in words what a worker lacks and what to do, or nothing."""
    if told.get("lost") or told.get("cancelled"):
        return "was lost while it was looked at; start it again"
    found = _answer(told)
    if "error" in found:
        return str(found["error"])
    if not found["folder"]:
        return "does not see the run's folder, or cannot write there; share it under the same path (see --out)"
    if found.get("variables"):
        are = "is" if len(found["variables"]) == 1 else "are"
        return f"{', '.join(found['variables'])} {are} not set there; secrets come from a worker's own environment"
    if "unreached" in found:
        return f"does not read the run's database at its instant: {found['unreached']}"
    differing = [name for name, value in expected.items() if found.get(name) != value]
    if differing == ["mask key"]:
        return "masks under another key; set DSAUDIT_MASK_KEY to the same secret here and there"
    if differing == ["database"]:
        return f"reaches the database {found['database']}, and the run's is {expected['database']}"
    return f"has another {', another '.join(differing)} than here; install the same there" if differing else ""
