"""Has a command write the log where there is no file of it, such as that of a container."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from dsaudit import handoff
from dsaudit.parameters import Parameters
from dsaudit.parameters.logs import Logs
from dsaudit.wording import span

PAUSE = 0.05  # seconds between two looks at what was written so far


@contextlib.contextmanager
def output(parameters: Parameters, section: Logs, most: int, problems: list[str]) -> Iterator[Path | None]:
    """Yield a file with what the declared command says, called as the program is; None where it did not run.

    The command has no shell and no input. It is ended, with all that it started, when its time is over or when it has
    written `most` bytes; what went wrong is added to `problems`.
    """
    command = section.command or []
    with tempfile.TemporaryDirectory(prefix="dsaudit-") as folder:
        path = Path(folder) / Path(command[0]).name
        with path.open("wb") as file:
            problem, is_there = _run(command, parameters.path.parent.parent, file, section.command_seconds, most)
        problems += [f"logs.command: {problem}"] if problem else []
        yield path if is_there else None


def _run(command: list[str], folder: Path, file: IO[bytes], seconds: float, most: int) -> tuple[str, bool]:
    """Run it and return what went wrong, or nothing, and whether it ran at all."""
    environment = {name: value for name, value in os.environ.items() if name != handoff.VARIABLE}
    try:
        running = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        return f"it was not started: {why}", False
    begun = time.monotonic()
    try:
        while running.poll() is None:
            if os.fstat(file.fileno()).st_size > most:
                return "it says more than logs.megabytes, and the rest was not read", True
            if time.monotonic() - begun > seconds:
                return f"it was ended after {span(seconds)}, and what it would still have said is not known", True
            time.sleep(PAUSE)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
    return (f"it ended with {running.returncode}" if running.returncode else ""), True
