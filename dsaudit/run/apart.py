"""Work that processes of their own do: `dsaudit.cli.apart`.

Their standard input is held open for as long as the work is wanted. They end in order when it closes, as it does
however this process ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from dsaudit.run.execute import CLEANING_SECONDS

ENDING_SECONDS = CLEANING_SECONDS + 10  # that a process may take to end in order
LOOK_SECONDS = 0.2  # between two looks at whether work is still wanted

Told = dict[str, Any]


@dataclass(frozen=True)
class Work:
    """What is to be done, by a name of `dsaudit.cli.apart`, with what it is given, and in which folder.

    It may be pickled and logged by others: no secret stands in it.
    """

    does: str
    given: Told
    folder: str
    environment: dict[str, str] = field(default_factory=dict)  # beside the process's own
    once: str = ""  # a file that whoever begins makes: where it is, the work was begun before, and is not begun again
    begun: str = ""  # a folder where whoever begins leaves a mark


@dataclass(frozen=True)
class Done:
    """How a process ended: its exit status, negative by a signal, and what it printed."""

    status: int
    said: str
    complained: str


def done(work: Work, is_wanted: Callable[[], bool]) -> Done:
    """Do a piece of work in a process that does nothing else, and end it as soon as it is no longer wanted.

    Raises
    ------
    OSError
        The folder is not there, or no process can be started.
    """
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        process = _started(work, said, complained)
        try:
            _tell(process, work.given)
            while is_wanted():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(LOOK_SECONDS)
                    break
        finally:
            _end(process)
        texts = []
        for file in (said, complained):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return Done(process.returncode, *texts)


def answered(work: Work, is_wanted: Callable[[], bool]) -> Told:
    """Return what comes of a piece of work that the helper of its run does, which is started if there is none.

    Where it is no longer wanted the helper ends, and with it all that it does.

    Raises
    ------
    OSError
        The folder is not there, or no process can be started.
    """
    answer = None
    while answer is None and is_wanted():
        helper = _helper(work)
        answer = _answer(helper, helper.ask(work), is_wanted)
    return answer or {"error": "it was stopped"}


def _answer(helper: Helper, asked: Future[Told | None], is_wanted: Callable[[], bool]) -> Told | None:
    while is_wanted():
        with contextlib.suppress(TimeoutError):
            return asked.result(LOOK_SECONDS)
    helper.end()
    return None


class Helper:
    """A process that does the work of one run, several pieces at once, until there has been none for a while."""

    def __init__(self, work: Work) -> None:
        self._process = _started(Work("serve", {}, work.folder, work.environment), subprocess.PIPE, subprocess.DEVNULL)
        self._asked: dict[str, Future[Told | None]] = {}
        self._lock = threading.Lock()
        self.has_ended = False
        threading.Thread(target=self._listen, daemon=True).start()

    def ask(self, work: Work) -> Future[Told | None]:
        """Return what its answer will be in; None where it had nothing to do and has ended meanwhile."""
        name, answer = secrets.token_hex(8), Future[Told | None]()
        with self._lock:
            if self.has_ended:
                answer.set_result(None)
            else:
                self._asked[name] = answer
                _tell(self._process, {"name": name, "does": work.does, "given": work.given})
        return answer

    def end(self) -> None:
        """End the process, in order if it can."""
        _end(self._process)

    def _listen(self) -> None:
        assert self._process.stdout
        with self._process.stdout as said:
            for line in said:
                with contextlib.suppress(ValueError, KeyError, TypeError):  # no line of ours
                    told = json.loads(line)
                    self._asked.pop(told["name"]).set_result(told["answer"])
        status = self._process.wait()
        with self._lock:
            self.has_ended = True
            for answer in self._asked.values():
                answer.set_result({"error": f"the process ended with status {status}"} if status else None)


_helpers: dict[tuple[str, ...], Helper] = {}
_lock = threading.Lock()


def _helper(work: Work) -> Helper:
    """Return the helper of a run in this process, by the folder and the variables that it has."""
    key = (work.folder, *(f"{name}={value}" for name, value in sorted(work.environment.items())))
    with _lock:
        for other in [one for one, helper in _helpers.items() if helper.has_ended]:
            del _helpers[other]
        if key not in _helpers:
            _helpers[key] = Helper(work)
        return _helpers[key]


def _started(work: Work, said: int | BinaryIO, complained: int | BinaryIO) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "dsaudit.cli.apart", work.does],
        cwd=work.folder,
        env={**os.environ, **work.environment},
        stdin=subprocess.PIPE,
        stdout=said,
        stderr=complained,
        start_new_session=True,  # Ctrl-C in the terminal is ours
    )


def _tell(process: subprocess.Popen[bytes], given: Told) -> None:
    assert process.stdin
    with contextlib.suppress(OSError):  # it has ended, which is seen elsewhere
        process.stdin.write(f"{json.dumps(given)}\n".encode())
        process.stdin.flush()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and end it if it does not; does nothing to one that has."""
    assert process.stdin
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
