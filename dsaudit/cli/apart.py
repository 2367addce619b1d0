"""A process that does one piece of work for another, and ends with it: see `dsaudit.run.apart`."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from typing import Any, NoReturn

AGAIN_SECONDS = 5.0  # after which a process that goes on is interrupted again
MOST_TIMES = 8  # that it is; then it is ended


def main(does: str) -> None:
    """Do what the first line of the standard input gives, under the name of a function here."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started us may have ignored it
    given = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    {"audit": audit, "look": look, "phase": phase}[does](given)


def audit(given: dict[str, Any]) -> NoReturn:
    """Audit as the command line does with these words."""
    from dsaudit.cli import main as command

    command(given["words"], prog_name="dsaudit")
    raise AssertionError("a command ends by an exit status")


def look(given: dict[str, Any]) -> None:
    """Answer what there is here of what phases need."""
    from dsaudit.run import worker

    _answer(lambda: worker.look(given))


def phase(given: dict[str, Any]) -> None:
    """Execute a phase and answer how it ended."""
    from dsaudit.run import worker

    _answer(lambda: worker.phase(given))


def _answer(work: Any) -> None:
    """Print what comes of the work in one line; of what breaks it only what no secret can stand in."""
    from dsaudit.cli.group import is_ours
    from dsaudit.parameters.secret import hidden

    try:
        answer = work()
    except OSError as error:
        answer = {"error": f"{error.filename or 'the system'}: {error.strerror or type(error).__name__}"}
    except Exception as error:
        answer = {"error": hidden(str(error)) if is_ours(error) else type(error).__name__}
    print(json.dumps(answer), flush=True)


def _end_with_input() -> None:
    """Stop this process as Ctrl-C would when its input closes: it cleans up first."""
    sys.stdin.read()
    for _ in range(MOST_TIMES):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(AGAIN_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
