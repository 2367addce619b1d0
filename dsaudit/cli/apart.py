"""A process that works for another, and ends with it: see `dsaudit.run.apart`."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

AGAIN_SECONDS = 5.0  # after which a process that goes on is interrupted again
MOST_TIMES = 8  # that it is; then it is ended
IDLE_SECONDS = 60.0  # that one waits for more to do
AT_ONCE = 64  # more than a worker has threads

Told = dict[str, Any]


def audit() -> None:
    """Audit as the command line does with the words that are given."""
    from dsaudit.cli import main as command

    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started us may have ignored it
    given = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    command(given["words"], prog_name="dsaudit", default_map={"run": {"jobs": given["jobs"]}})


def serve() -> None:
    """Do what is asked for line by line, each in a thread of its own, and answer each in a line."""
    from dsaudit import handoff
    from dsaudit.run import execute, worker

    functions = {"look": worker.look, "phase": worker.phase}
    execute.prepare_imports()
    under_way: list[Future[None]] = []
    private = Path(os.environ.get(handoff.VARIABLE, "none/none")).parent
    with ThreadPoolExecutor(AT_ONCE) as pool, execute.stopping(pool, private):
        for asked in _asked(lambda: all(one.done() for one in under_way)):
            under_way.append(pool.submit(_answer, asked["name"], functions[asked["does"]], asked["given"]))
            if asked["does"] == "look" and asked["given"]["system"]:
                under_way.append(pool.submit(worker.warm))  # phases will follow
        if not all(one.done() for one in under_way):
            sys.exit("not wanted any more")


def segments() -> None:
    """Compare long lists with the tables, so that the phases find what came of it; tell no more than whether all did.

    What fails here fails again where a phase needs it, and is told there.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    given = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_input, args=(1,), daemon=True).start()
    from dsaudit.audit import open as opened
    from dsaudit.reconcile.settled import straight
    from dsaudit.run import worker

    if worker.unlike(given):
        sys.exit(1)
    failed = 0
    audit = opened(given["system"], "segments")
    for name, tenant in json.loads(Path(given["lists"]).read_text(encoding="utf-8"))[given["piece"]]:
        try:
            straight(audit, name, tenant)
        except Exception:
            failed = 1
    audit.close()
    sys.exit(failed)


def _asked(is_idle: Callable[[], bool]) -> Iterator[Told]:
    """Yield what is asked for, until the input closes or nothing was for a while."""
    with open(0, "rb", buffering=0, closefd=False) as lines:  # a buffer would hide lines from `select`
        while True:
            ready, _, _ = select.select([lines], [], [], IDLE_SECONDS)
            if ready:
                line = lines.readline()
                if not line:
                    return
                yield json.loads(line)
            elif is_idle():
                return


def _answer(name: str, function: Callable[[Told], Told], given: Told) -> None:
    """Print what comes of the work in one line; of what breaks it only what no secret can stand in."""
    from dsaudit.cli.group import is_ours
    from dsaudit.parameters.secret import hidden

    try:
        answer = function(given)
    except OSError as error:
        answer = {"error": f"{error.filename or 'the system'}: {error.strerror or type(error).__name__}"}
    except Exception as error:
        answer = {"error": hidden(str(error)) if is_ours(error) else type(error).__name__}
    line = json.dumps({"name": name, "answer": answer})
    os.write(1, f"{line}\n".encode())  # at once, whatever other threads print


def _end_with_input(times: int = MOST_TIMES) -> None:
    """Stop this process as Ctrl-C would when its input closes: it cleans up first."""
    sys.stdin.read()
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(AGAIN_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    {"audit": audit, "serve": serve, "segments": segments}[sys.argv[1]]()
