"""The sample systems in ``examples/``: started as processes of their own, never imported.

A notebook opened by hand attaches to the running sample or starts it; `dsaudit run` starts its own and ends it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsaudit.parameters import Parameters, project_root

START_SECONDS = 180  # ten on a quiet machine


class SampleError(Exception):
    """The sample did not start; the message ends with its last words."""


def attach(parameters: Parameters) -> None:
    """Put the variables of a running sample into the environment, starting it if need be.

    Does nothing for a file that describes no sample, or where the database's variable is set already.
    """
    if parameters.example is None or os.environ.get(parameters.database.url_env):
        return
    state = _read(state_file(parameters.example)) or _start(parameters.example)
    os.environ.update(state["environment"])


def own_file(parameters: Parameters) -> Path:
    """Return the parameter file of the running sample, which names copies of code and documents; else the one given.

    Faults are planted in the copies.
    """
    if parameters.example is None or parameters.path.parent.parent != project_root():
        return parameters.path
    state = _read(state_file(parameters.example))
    copy = Path(state["parameters"]) if state else parameters.path
    return copy if copy.name == parameters.path.name and copy.is_file() else parameters.path


def is_up(parameters: Parameters) -> bool:
    """Return whether the file's sample is up, or the database's variable says where another one is."""
    set_by_hand = bool(os.environ.get(parameters.database.url_env))
    return set_by_hand or bool(parameters.example and _read(state_file(parameters.example)))


@contextlib.contextmanager
def started(parameters: Parameters) -> Iterator[None]:
    """Run the sample for as long as the block, with its variables in the environment."""
    if parameters.example is None or os.environ.get(parameters.database.url_env):
        yield
        return
    with _up(parameters.example):
        yield


@contextlib.contextmanager
def reached(parameters: Parameters) -> Iterator[None]:
    """Have the variables of the running sample for as long as the block, or of one that is started for it."""
    state = _read(state_file(parameters.example)) if parameters.example else None
    if state is None or os.environ.get(parameters.database.url_env):
        with started(parameters):
            yield
        return
    before = set(os.environ)
    os.environ.update(state["environment"])
    try:
        yield
    finally:
        for name in set(os.environ) - before:
            del os.environ[name]


@dataclass(frozen=True)
class Damageable:
    """A running sample, whose parameter file names copies of code and documents: those can be damaged too."""

    path: Path  # of its state file
    parameters: Path


@contextlib.contextmanager
def damageable(example: str) -> Iterator[Damageable]:
    """Run a sample, in which faults may be planted, for as long as the block, with its variables in the environment."""
    with _up(example) as (path, state):
        yield Damageable(path, Path(state["parameters"]))


@contextlib.contextmanager
def _up(example: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    with tempfile.TemporaryDirectory(prefix="dsaudit-") as folder:
        path = Path(folder) / "state.json"
        process = _launch(example, "--state", str(path), "--attached", stdin=subprocess.PIPE)
        before = dict(os.environ)
        try:
            state = _wait(process, path)
            os.environ.update(state["environment"])
            yield path, state
        finally:
            for name in set(os.environ) - set(before):
                del os.environ[name]
            # The sample ends when its standard input closes; it would do so too if this process were killed.
            if process.stdin:
                process.stdin.close()
            process.wait(timeout=START_SECONDS)


def state_file(example: str) -> Path:
    """Return where a sample that was started by hand says how it is reached."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(base) / f"dsaudit-{os.getuid()}" / f"{example}.json"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        os.kill(int(state["pid"]), 0)
        path.touch()  # the sample ends after a while without use
    except (OSError, ValueError, KeyError):
        return None
    return state if state.get("ready") else None


def _start(example: str) -> dict[str, Any]:
    process = _launch(example)
    return _wait(process, state_file(example))


def _launch(example: str, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    log = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
    process = subprocess.Popen(
        [sys.executable, "-m", f"examples.{example}", "up", *arguments],
        cwd=project_root(),
        stdin=stdin,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    process.log = log  # type: ignore[attr-defined]
    return process


def _wait(process: subprocess.Popen[bytes], path: Path) -> dict[str, Any]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        state = _read(path)
        if state:
            return state
        if process.poll() is not None:
            break
        time.sleep(0.05)
    log = process.log  # type: ignore[attr-defined]
    log.seek(0)
    words = log.read().decode(errors="replace").strip().splitlines()
    raise SampleError(f"the sample did not start: {words[-1] if words else 'it said nothing'}")
