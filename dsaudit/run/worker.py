"""What the workers of a cluster do for a run: they tell what they have, execute phases and compare long lists.

All that they are given over the network are places and digests. Secrets come from a worker's own environment; whatever
else a phase needs lies in the private folder of the run, which all machines share.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dsaudit import forkserver, handoff, sample
from dsaudit.database import Database, DatabaseError
from dsaudit.database.identity import identify
from dsaudit.evidence import Secrets, provenance, secret_values
from dsaudit.parameters import Parameters, load
from dsaudit.run import apart, execute
from dsaudit.run.resuming import CODE, digest_of
from dsaudit.verdict.masking import Mask, load_key

BEGUN = ".begun"  # how the marks are called that tell how often a piece of work was begun

Told = dict[str, Any]


def carry_out(work: apart.Work) -> Told:
    """Do a piece of work in another process of this worker's machine: what is submitted to the cluster.

    It raises nothing, since a worker would log that. Returns the ``worker`` and, of these, what applies: ``answer``;
    of an audit and of segments the process's ``status``, of an audit what it ``said`` and ``complained``; ``error``;
    ``again``, where it had been begun before and may be so only once.
    """
    from distributed import get_worker
    from distributed.core import Status

    worker = get_worker()
    key, told = worker.get_current_task(), {"worker": worker.address}
    ends = (Status.closing, Status.closed, Status.failed)

    def is_wanted() -> bool:
        task = worker.state.tasks.get(key)  # cancelled by who submitted it, or since that one is gone
        return task is not None and task.state != "cancelled" and worker.status not in ends

    if not Path(work.folder).is_dir():
        return {**told, "error": f"does not see {work.folder}; share it under the same path"}
    try:
        if work.once:
            os.close(os.open(work.once, os.O_CREAT | os.O_EXCL, 0o600))
        if work.begun:
            Path(work.begun, f"{secrets.token_hex(8)}{BEGUN}").touch()
        if work.does == "audit":
            return {**told, **asdict(apart.done(work, is_wanted))}
        if work.does == "segments":
            return {**told, "status": apart.done(work, is_wanted).status}  # what it says may quote the data
        return {**told, "answer": apart.answered(work, is_wanted)}
    except FileExistsError:
        return {**told, "again": True}
    except OSError as error:
        return {**told, "error": f"{error.filename or work.folder}: {error.strerror or type(error).__name__}"}


def look(given: Told) -> Told:
    """Return what there is here of what a run needs: see `things`; for phases also what is of one system.

    That is the identity of the ``database`` at the run's instant, or why it is ``unreached``, and which ``variables``
    are not set.
    """
    found: Told = things(given)
    if found["folder"] and given["system"]:
        parameters, handed = _parameters(given), handoff.current()
        found["variables"] = [name for name in given["variables"] if not os.environ.get(name)]
        found["parameter file"] = parameters.sha256
        if parameters.database.url_env not in found["variables"]:
            found |= _database(parameters, handed.snapshot if handed else "")
    return found


def things(given: Told) -> Told:
    """Return what has to be the same wherever parts of a run are done, as digests and versions.

    ``folder`` is the digest of a file in the shared folder, empty where it is not seen or cannot be written beside;
    ``mask key`` is made of it under the keys of the integrations, so that nobody can tell them by it.
    """
    found: Told = {"code of dsaudit": digest_of(CODE), **provenance()["versions"]}
    found |= {f"notebooks in {Path(one).name}": digest_of(Path(one)) for one in given["blueprints"]}
    folder = _seen(Path(given["seen"]))
    masked = [Mask(load_key(one)).digest(folder, length=32) for one in given["integrations"]] if folder else []
    return {**found, "folder": folder, "mask key": masked}


def unlike(given: Told) -> list[str]:
    """Return which of the `things` are not as they were where the run was started."""
    return [name for name, value in things(given).items() if given["things"].get(name) != value]


def _seen(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() if os.access(path.parent, os.W_OK) else ""
    except OSError:
        return ""


def _database(parameters: Parameters, snapshot: str) -> Told:
    try:
        database = Database.open(parameters.database, snapshot, "dsaudit/worker")
        try:
            return {"database": identify(database).pin}
        finally:
            database.close()
    except DatabaseError as error:
        return {"unreached": str(error)}


def phase(given: Told) -> Told:
    """Execute a notebook, and return how that ended; ``error`` where this is not the place for it."""
    if differing := unlike(given):
        return {"error": f"has another {', another '.join(differing)} than where the run was started"}
    parameters = _parameters(given)
    source, target = Path(given["source"]), Path(given["target"])
    execute.clean_what_is_written(target.parent, Secrets(secret_values(parameters)))
    return execute.execute_one(source, target, parameters.path).to_json()


def warm() -> None:
    """Import what the first phase here would wait for."""
    forkserver.prepare()
    import papermill  # noqa: F401


def _parameters(given: Told) -> Parameters:
    """Return the parameters of the system that is handed over; that of a sample which is up here is found."""
    handed = handoff.current()
    parameters = load(given["system"], handed.overrides if handed else None, is_recorded=True)
    if parameters.example and sample.is_up(parameters):
        sample.attach(parameters)
    return parameters
