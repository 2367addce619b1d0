"""Runs dsaudit and the samples from the command line, as another program would, and looks what is left of a sample."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from examples.control import poll

DSAUDIT = [sys.executable, "-c", "from dsaudit.cli import main; main()"]
START_SECONDS = 120
HIDDEN = ("DSAUDIT_", "STOREFRONT_", "REFERRALS_", "DISCOVERY_", "LISTINGS_")


@dataclass(frozen=True)
class CommandLine:
    """`folder` holds the state file and, since nothing may be left in it, all temporary files of the sample."""

    example: str
    folder: Path
    options: tuple[str, ...] = ()

    def words(self, *words: str) -> list[str]:
        return [sys.executable, "-m", f"examples.{self.example}", *words, "--state", str(self.folder / "state.json")]

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}
        return {**kept, "TMPDIR": str(self.folder)}

    @contextmanager
    def up(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        words = self.words("up", *self.options, *options)
        pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(words, env=self.environment, **pipes) as process:
            try:
                yield process
            finally:
                process.terminate()

    def state(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        """Wait until the sample is up; what its state file tells."""
        path = self.folder / "state.json"
        for _ in poll(START_SECONDS, pause=0.1):
            found = json.loads(path.read_text()) if path.exists() else None
            if found and found["pid"] == process.pid:
                return found
            assert process.poll() is None, process.stderr.read()
        raise AssertionError("the sample did not start in time")

    def run(self, *words: str, expect: int = 0) -> str:
        done = subprocess.run(self.words(*words), env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == expect, done.stderr
        return done.stdout if expect == 0 else done.stderr

    def assert_nothing_is_left(self, processes: list[psutil.Process], but: frozenset[str] = frozenset()) -> None:
        for _ in poll(30, pause=0.1):
            if not alive(processes) and {path.name for path in self.folder.iterdir()} <= but:
                return
        raise AssertionError(f"left: {alive(processes)}, {list(self.folder.iterdir())}")


def processes_of(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Without those that are dead and only wait for the system to take note."""
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
