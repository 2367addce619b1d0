"""Work that a process of its own does: a phase, a whole audit, a look at what there is where it would be done.

The process runs `dsaudit.cli.apart`. Its standard input is held open for as long as the work is wanted: it ends when
that closes, as it does however this process ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dsaudit.run.execute import CLEANING_SECONDS

ENDING_SECONDS = CLEANING_SECONDS + 10  # that a process may take to end in order


@dataclass(frozen=True)
class Work:
    """What is to be done, by a name of `dsaudit.cli.apart`, with what it is given, and in which folder.

    It may be pickled and logged by others: no secret stands in it.
    """

    does: str
    given: dict[str, Any]
    folder: str
    environment: dict[str, str] = field(default_factory=dict)  # beside the process's own
    once: str = ""  # a file that whoever begins makes: where it is, the work was begun before, and is not begun again


@dataclass(frozen=True)
class Done:
    """How the process ended: its exit status, negative by a signal, and what it printed."""

    status: int
    said: str
    complained: str

    @property
    def answer(self) -> dict[str, Any]:
        """What it answered, the last line that it printed; empty where it ended without an answer."""
        try:
            answer = json.loads(self.said.splitlines()[-1])
        except (IndexError, ValueError):
            return {}
        return answer if isinstance(answer, dict) else {}


def done(work: Work, is_wanted: Callable[[], bool]) -> Done:
    """Do a piece of work in a process of its own, and end it as soon as it is no longer wanted.

    Raises
    ------
    OSError
        The folder is not there, or no process can be started.
    """
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        process = subprocess.Popen(
            [sys.executable, "-m", "dsaudit.cli.apart", work.does],
            cwd=work.folder,
            env={**os.environ, **work.environment},
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=complained,
            start_new_session=True,  # Ctrl-C in the terminal is ours
        )
        try:
            _watch(process, json.dumps(work.given), is_wanted)
        finally:
            process.kill()  # does nothing to one that has ended
            process.wait()
            with contextlib.suppress(OSError):
                assert process.stdin
                process.stdin.close()
        texts = []
        for file in (said, complained):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return Done(process.returncode, *texts)


def _watch(process: subprocess.Popen[bytes], given: str, is_wanted: Callable[[], bool]) -> None:
    """Hand over what is given, and wait for the end; by closing the input ask for it when it is not wanted."""
    assert process.stdin
    try:
        with contextlib.suppress(BrokenPipeError):  # it has ended already, and says why
            process.stdin.write(f"{given}\n".encode())
            process.stdin.flush()
        while is_wanted():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.2)
                return
    except BaseException:
        _end(process)
        raise
    _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        assert process.stdin
        process.stdin.close()
        process.wait(ENDING_SECONDS)
