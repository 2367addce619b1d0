"""Several audits, each in a process of its own with a run of its own, and one index over all of them.

What goes wrong with one is an entry of the index, which is not green, and hides none of the others.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsaudit.evidence import write_atomically
from dsaudit.evidence.chain import seal_of
from dsaudit.parameters import project_root
from dsaudit.progress import LOST, Progress
from dsaudit.report import overview
from dsaudit.report.telling import counts, headline
from dsaudit.run import apart, cluster, scheduler, worker
from dsaudit.run.decide import EXITS
from dsaudit.run.execute import ended
from dsaudit.wording import span

if TYPE_CHECKING:
    from distributed import Client

INDEX, PAGE = "index.json", "index.html"
COULD_NOT_START = 3
LONGEST = 1000  # characters of what a process says that could not start

Record = dict[str, Any]


class StoppedError(Exception):
    """All were stopped; the message says where to see how far each came."""


@dataclass(frozen=True)
class Audit:
    """One of them: its file, the options as they are typed, the tenant that they narrow it to.

    Beside: whether checks act, and whether reads give way. Of a file that cannot be read nothing of this is known.
    """

    file: Path
    words: list[str]
    integration: str = ""
    tenant: str = ""
    acts: bool = False
    polite: bool = False

    @property
    def name(self) -> str:
        """What it is called beside the others."""
        return f"{self.file}, {self.tenant}" if self.tenant else str(self.file)

    def at_once(self, jobs: int | None, share: int | None) -> int:
        """Return how many of its phases run at once: its share of the `jobs`; where nobody says, politely one."""
        return share if share and (jobs or not self.polite) else 1


def audited(
    audits: Sequence[Audit], out: Path, jobs: int | None, dask: str, progress: Progress, say: Progress
) -> tuple[Record, Path]:
    """Audit them all, side by side as far as there are `jobs` or the cluster has room; return the index and its page.

    The index is written again as each of them ends: what has not ended stands in it as that, and is not green. `say`
    takes what each has to say.

    Raises
    ------
    ClusterError, StoppedError
        The cluster cannot be used; all were stopped.
    OSError
        The index cannot be written.
    """
    at_once = min(len(audits), jobs or os.cpu_count() or 1)
    share = jobs if dask else max((jobs or os.cpu_count() or 1) // at_once, 1)
    out.mkdir(parents=True, exist_ok=True)
    started, stopped = datetime.now(UTC), threading.Event()
    found = [_not_started(one, "it has not ended") for one in audits]
    index = _written(found, out, started)  # in the place of an earlier one, which might be green
    with contextlib.ExitStack() as held:
        private = Path(held.enter_context(tempfile.TemporaryDirectory(prefix=".dsaudit-", dir=out)))
        client = held.enter_context(scheduler.reached(dask)) if dask else None
        if client:
            progress("looking at the workers of the cluster")
            _look(client, audits, private)
        pool = held.enter_context(ThreadPoolExecutor(len(audits) if client else at_once))
        tasks = {
            pool.submit(
                _one,
                _work(one, out, private, one.at_once(jobs, share), is_asked=bool(jobs)),
                client,
                stopped,
                partial(progress, f"{LOST}, {one.name} is audited anew"),
            ): one
            for one in audits
        }

        def take(task: Future[Record]) -> Record:
            one, told = tasks.pop(task), task.result()
            found[audits.index(one)] = entry = _entry(one, told, out)
            say(f"{one.name}\n{told.get('said') or entry['reasons'][0]}".rstrip() + "\n")
            progress(f"{one.name} done in {span(entry['seconds'])}")
            return _written(found, out, started)

        try:
            for task in ended([*tasks], lambda: None):
                index = take(task)
        except BaseException as error:
            stopped.set()
            pool.shutdown(cancel_futures=True)  # each ends in order, and says how it is gone on with
            if not isinstance(error, KeyboardInterrupt):
                raise
            for task in [one for one in tasks if one.done() and not one.cancelled()]:
                take(task)
            raise StoppedError(f"stopped; how far each came stands in {out / PAGE}") from None
    return index, out / PAGE


def _work(one: Audit, out: Path, private: Path, jobs: int, is_asked: bool) -> apart.Work:
    once = str(private / secrets.token_hex(4)) if one.acts else ""
    # What nobody has asked for does not stand in its words, which it says how it is gone on with.
    words = ["run", str(one.file), *one.words, *([f"--jobs={jobs}"] if is_asked else []), f"--out={out}"]
    begun = str(private / secrets.token_hex(4))
    return apart.Work("audit", {"words": words, "jobs": jobs}, str(Path.cwd()), once=once, begun=begun)


def _one(work: apart.Work, client: Client | None, stopped: threading.Event, again: Callable[[], None]) -> Record:
    """Do one audit, here or on the cluster; return what `worker.carry_out` does, and the seconds that it took."""
    clock = time.monotonic()
    try:
        if client:
            told = cluster.waited_for(client, work, lambda: not stopped.is_set(), again)
        else:
            done = apart.done(work, lambda: not stopped.is_set())
            told = {"status": done.status, "said": done.said, "complained": done.complained}
    except (scheduler.ClusterError, OSError) as error:
        told = {"error": str(error)}
    return {**told, "seconds": round(time.monotonic() - clock, 2)}


def _look(client: Client, audits: Sequence[Audit], private: Path) -> None:
    """See that every worker has the code, the masks, and the folder in which the runs are written."""
    seen = private / "seen"
    seen.write_bytes(secrets.token_bytes(16))
    blueprints = sorted(path.parent for path in (project_root() / "notebooks").glob("*/blueprint.yml"))
    asked = {
        "system": "",
        "blueprints": [*map(str, blueprints)],
        "seen": str(seen),
        "integrations": sorted({one.integration for one in audits if one.integration}),
    }
    work = apart.Work("look", asked, str(Path.cwd()))
    cluster.look(client, dict.fromkeys(client.nthreads(), work), worker.things(asked))


# The index -----------------------------------------------------------------------------------------------------------


def _not_started(one: Audit, why: str, seconds: float = 0.0) -> Record:
    return {
        "file": str(one.file),
        "tenant": one.tenant or None,
        "decision": None,
        "exit": COULD_NOT_START,
        "headline": "could not start",
        "reasons": [why[:LONGEST]],
        "seconds": seconds,
        "report": None,
    }


def _entry(one: Audit, told: Record, out: Path) -> Record:
    """Return how one audit ended: of its run what its result says, and no more than it."""
    lines = told.get("said", "").splitlines()
    folder = Path(next((line[8:] for line in lines if line.startswith("report: ")), "nowhere")).parent
    try:
        result: Record = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        result = {}
    if told.get("status") != result.get("exit", COULD_NOT_START) or not result:
        return _not_started(one, _why(told), told["seconds"])
    run = result["run"]
    took = datetime.fromisoformat(run["ended"]) - datetime.fromisoformat(run["started"])  # as the audit itself tells
    return {
        "file": str(one.file),
        "tenant": one.tenant or None,
        "decision": result["decision"],
        "exit": result["exit"],
        "headline": headline(result),
        "reasons": [reason["text"] for reason in result["reasons"]],
        "seconds": round(took.total_seconds(), 2),
        "report": (folder / "report.html").relative_to(out).as_posix(),
        "integration": run["integration"],
        "environment": run["environment"],
        "blueprint": run["blueprint"],
        "run": run["id"],
        "ended": run["ended"],
        "checks": {status.value: count for status, count in counts(result["verdicts"]).items()},
        "digest": result["digest"],
        "seal": seal_of(folder),
    }


def _why(told: Record) -> str:
    """Return in words why there is no result of an audit."""
    if told.get("again"):
        return "its worker was lost while it acted, and it is not begun twice"
    if told.get("lost"):
        return "its worker was lost, and so were others"
    if told.get("cancelled"):
        return "it was stopped; `dsaudit history FILE` lists what can be gone on with"
    complained = str(told.get("error") or told["complained"]).strip()
    return complained or f"it ended with status {told['status']}, and left no result"


def _written(found: list[Record], out: Path, started: datetime) -> Record:
    """Write the index, as data and as a page, and return it."""
    statuses = {one["exit"] for one in found}
    worst = next((status for status in (EXITS["NO-GO"], EXITS["INCONCLUSIVE"]) if status in statuses), EXITS["GO"])
    if COULD_NOT_START in statuses and worst == EXITS["GO"]:
        worst = COULD_NOT_START if len(statuses) == 1 else EXITS["INCONCLUSIVE"]
    index = {
        "schema": 1,
        "started": started.isoformat(),
        "ended": datetime.now(UTC).isoformat(),
        "decision": next((name for name, status in EXITS.items() if status == worst), None),
        "exit": worst,
        "audits": found,
    }
    write_atomically(out / INDEX, json.dumps(index, indent=1, ensure_ascii=False) + "\n")
    write_atomically(out / PAGE, overview.page(index))
    return index
