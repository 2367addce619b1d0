"""Stops real runs at chosen points: a process that imports all, and forks one run for each point.

Called with a JSON list on standard input of ``[arguments, point, signal]``. A point is an event of the record, as
``phase:2`` for the second of its kind, before (``<``) or after (``>``) it is on disk; or ``file NAME``, which a cell
makes, and which keeps it waiting. Prints for each how the run ended and what it said, as JSON lines.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from dsaudit.cli import main
from dsaudit.run.execute import prepare_imports
from dsaudit.run.record import Record


def stop_at(point: str, number: int) -> None:
    """Have this process sent a signal when it gets to the point."""
    if point.startswith("file "):
        path = Path(point[5:])
        path.unlink(missing_ok=True)
        threading.Thread(target=_stop_with, args=(path, number), daemon=True).start()
        return
    seen: Counter[str] = Counter()
    add = Record.add

    def added(record: Record, event: str, **told: Any) -> None:
        seen[event] += 1
        name = f"{event}:{seen[event]}"
        if point == f"<{name}":
            os.kill(os.getpid(), number)
        add(record, event, **told)
        if point == f">{name}":
            os.kill(os.getpid(), number)

    Record.add = added  # type: ignore[method-assign]


def _stop_with(path: Path, number: int) -> None:
    while not path.exists():
        time.sleep(0.02)
    os.kill(os.getpid(), number)


def run(arguments: list[str], point: str, number: int) -> dict[str, Any]:
    """Run `dsaudit` in a process of its own up to the point."""
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        process = os.fork()
        if process == 0:
            os.dup2(said.fileno(), 2)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)  # who starts the tests may have them ignore it
            stop_at(point, number)
            try:
                main(arguments)
            except SystemExit as ended:
                sys.stderr.flush()
                os._exit(ended.code if isinstance(ended.code, int) else 99)
            os._exit(98)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        said.seek(0)
        return {"status": status, "said": said.read().decode(), "seconds": round(time.monotonic() - began, 1)}


if __name__ == "__main__":
    prepare_imports()
    import papermill  # noqa: F401  # once for all

    for arguments, point, number in json.load(sys.stdin):
        print(json.dumps(run(arguments, point, number)), flush=True)
