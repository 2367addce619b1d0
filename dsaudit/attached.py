"""Processes and folders that cannot outlive this process. Standard library only.

Each hangs on a small shell, its keeper, which reads a pipe that only this process holds open. The pipe closes however
this process ends, SIGKILL included; the keeper then stops its child and clears up. On Linux the kernel also ends the
child when the keeper is killed. That death signal comes when the parent *thread* ends, so the keeper, which has one
thread, is the parent and not this process: a process may be started from any thread.
"""

import select
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

Keeper = subprocess.Popen[bytes]

KEEPER = """
if {before}; then {command} </dev/null 3>&1 >&2 & fi
exec >&-
read -r _
if [ -n "$!" ]; then for signal in {signals}; do kill -s "$signal" "$!"; done 2>&-; wait "$!"; fi
{after}
"""


def attached(
    command: Sequence[str],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    before: str = "true",
    after: str = "",
    signals: str = "TERM",
) -> Keeper:
    """Start a command that cannot outlive this process, both outputs going to `log`; return its keeper.

    `before` and `after` are shell commands around it, `signals` those that end it. Use with `ended` and `stop`.
    """
    text = KEEPER.format(before=before, command=shlex.join(command), after=after, signals=signals)
    with log.open("ab") as file:
        return subprocess.Popen(
            ["/bin/sh", "-c", text],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            env=environment,
            cwd=folder,
            start_new_session=True,  # Ctrl-C in the terminal must reach us only: we stop the child in order
        )


def ended(keeper: Keeper, within: float = 0) -> bool:
    """Whether the attached command has ended, or ends within some seconds."""
    assert keeper.stdout
    return bool(select.select([keeper.stdout], [], [], within)[0])


def stop(keeper: Keeper) -> None:
    """End the attached command and wait until it is gone and its keeper has cleared up."""
    assert keeper.stdin and keeper.stdout
    try:
        # A line and not the end of the file alone: a forked copy of this process may hold the pipe open too.
        keeper.stdin.write(b"\n")
        keeper.stdin.close()
    except BrokenPipeError:
        pass
    keeper.wait()
    keeper.stdout.close()


def tied(signal: str) -> list[str]:
    """The words before a command that let Linux end it when its parent is killed; none where there is no setpriv."""
    return ["setpriv", "--pdeathsig", signal] if sys.platform == "linux" and shutil.which("setpriv") else []


@contextmanager
def private_folder(prefix: str) -> Iterator[Path]:
    """A temporary folder that nobody else can look into and that goes however this process ends."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    # Nothing is run: what is wanted is the keeper alone, for what it does when we are gone.
    keeper = attached([":"], folder / "keeper.log", before="false", after=f"rm -rf {shlex.quote(str(folder))}")
    try:
        yield folder
    finally:
        stop(keeper)


def free_port() -> int:
    """A loopback port that is free now; another process may take it before you do, so be ready to try again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
