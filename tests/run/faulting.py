"""Lets real runs meet a fault of the disk, or a kill, at one call of the system after the other.

A process that imports all and forks a run for each point. A first run without a fault tells the calls that can meet it;
points are the first call of each place in the code that makes one. On standard input it takes a JSON object:
`arguments` of the command; `resume`, with which a run is gone on with; `root`, what lies below which counts; `out`, the
folder of runs, as it is brought back before each point; the `fault`; and the `first` point and the `step` to the next.
It prints, as JSON lines, how many calls and points there are, and for each point the call that met the fault, how the
run ended and what it left, and the same once it was gone on with.
"""

from __future__ import annotations

import builtins
import errno
import hashlib
import io
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from dsaudit.cli import main
from dsaudit.evidence import below, chain
from dsaudit.evidence.verifying import verify
from dsaudit.run.execute import prepare_imports

KILL = "SIGKILL"
LOW = {"fsync", "rename", "replace", "unlink", "remove", "rmdir", "mkdir", "ftruncate", "listdir", "scandir"}
GIVES_BACK = {"unlink", "remove", "rmdir", "ftruncate"}
OPENS = {"open", "create", "listdir", "scandir"}  # what takes a file descriptor
CHANGES = {"create", "write", *LOW} - {"listdir", "scandir"}
# Which calls can meet it. A disk that is full stays so; the others come once.
FAULTS = {"ENOSPC": CHANGES - GIVES_BACK, "EIO": OPENS | CHANGES, "EMFILE": OPENS, KILL: CHANGES}


class Fault:
    """What happens at the n-th call that can meet it; where n is 0, each such call is told."""

    def __init__(self, root: Path, name: str, number: int, tell: Callable[[str], object]) -> None:
        self._root, self._name, self._number, self._tell = f"{root}{os.sep}", name, number, tell
        self._count = 0

    def at(self, call: str, path: Any, by_half: Callable[[], object] = lambda: None) -> None:
        """Count a call, and let it meet the fault if it is the one; of what it does, half is done."""
        where = str(Path(f"/proc/self/fd/{path}").readlink() if isinstance(path, int) else Path(path).absolute())
        if call not in FAULTS[self._name] or not where.startswith(self._root):
            return
        self._count += 1
        if self._number == 0:
            self._tell(f"{call} {place()}\n")
            return
        if self._count < self._number or (self._count > self._number and self._name != "ENOSPC"):
            return
        if self._count == self._number:
            by_half()
            self._tell(f"{call} {where.removeprefix(self._root)}")
        if self._name == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        code = getattr(errno, self._name)
        raise OSError(code, os.strerror(code), *([] if isinstance(path, int) else [os.fsdecode(path)]))


def place() -> str:
    """Return the place in the code that makes a call: the lines of this project's modules that led to it."""
    lines = (f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_stack())
    return " ".join(line for line in lines if f"{os.sep}dsaudit{os.sep}" in line)


def arm(root: Path, name: str, number: int, tell: Callable[[str], object]) -> None:
    """Let the calls of this process that open or change files meet the fault."""
    fault = Fault(root, name, number, tell)
    really_open, low_open, low_write = io.open, os.open, os.write

    class Disk(io.FileIO):
        def write(self, content: Any, /) -> int:
            half = bytes(content)[: len(content) // 2]
            fault.at("write", self.fileno(), lambda: low_write(self.fileno(), half))
            return super().write(content)

    def opened(file: Any, mode: str = "r", buffering: int = -1, *texts: Any, **others: Any) -> Any:
        if isinstance(file, int) or not {*mode} & {*"wax+"}:
            None if isinstance(file, int) else fault.at("open", file)
            return really_open(file, mode, buffering, *texts, **others)
        fault.at("create", file)
        buffered = io.BufferedWriter(Disk(file, mode.replace("b", "").replace("t", "")))
        return buffered if "b" in mode else io.TextIOWrapper(buffered, *texts, **others)

    def low_opened(path: Any, flags: int, *more: Any, **others: Any) -> int:
        fault.at("create" if flags & (os.O_WRONLY | os.O_RDWR) else "open", path)
        return low_open(path, flags, *more, **others)

    def low_written(file: int, content: Any) -> int:
        fault.at("write", file, lambda: low_write(file, bytes(content)[: len(content) // 2]))
        return low_write(file, content)

    def counted(call: str, real: Callable[..., Any], path: Any = ".", *more: Any, **others: Any) -> Any:
        fault.at(call, path)
        return real(path, *more, **others)

    for call in LOW:
        setattr(os, call, partial(counted, call, getattr(os, call)))
    io.open = builtins.open = opened  # type: ignore[assignment]
    os.open, os.write = low_opened, low_written


def run(arguments: list[str], arm_it: Callable[[Callable[[str], object]], object] | None = None) -> dict[str, Any]:
    """Run `dsaudit` in a process of its own, and tell how it ended, what it said, and which call met the fault."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as met:
        process = os.fork()
        if process == 0:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            if arm_it:
                write, file = os.write, met.fileno()
                arm_it(lambda words: write(file, words.encode()))
            try:
                main(arguments)
            except SystemExit as ended:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(ended.code if isinstance(ended.code, int) else 99)
            os._exit(98)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        said.seek(0)
        met.seek(0)
        return {"status": status, "said": said.read().decode(), "met": met.read().decode()}


def left(out: Path, earlier: str) -> dict[str, Any]:
    """Return what lies in a folder of runs: what is published, what is not, what is a half file, what of the chain."""
    from tests.run.test_resume import names, told

    reports = out / "ledger"
    runs = {path.name: path for path in reports.glob("*") if path.is_dir() and path.name != "unfinished"}
    return {
        "told": {name: [told(path), sorted(names(path))] for name, path in runs.items()},
        "refused": [line for name, path in runs.items() if name != earlier for line in refused(path)],
        "digests": {name: digest(path) for name, path in runs.items()},
        "notebooks": {name: notebooks(path) for name, path in runs.items()},
        "unfinished": [path.name for path in reports.glob("unfinished/*")],
        "halves": [str(path.relative_to(out)) for path in below(out) if path.is_file() and not is_whole(path)],
        "faults": [fault.words for fault in chain.faults(reports)],
        "chain": [link.run for link in chain.links(reports)],
    }


def refused(folder: Path) -> list[str]:
    """Return what refuses a run, or cannot be told of it."""
    found = verify(folder)
    return found.problems + found.unknown


def digest(folder: Path) -> str:
    """Return the digest of all that is in a folder."""
    contents = (
        f"{path.relative_to(folder)}\0".encode() + path.read_bytes() for path in below(folder) if path.is_file()
    )
    return hashlib.sha256(b"".join(hashlib.sha256(content).digest() for content in contents)).hexdigest()


def notebooks(folder: Path) -> dict[str, str]:
    """Return the digests of the notebooks that a run has executed."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("phases/*.ipynb")}


def is_whole(path: Path) -> bool:
    """Return whether a file ends as one of its kind does; a draft, a lock and what is never shared need not."""
    if path.name.endswith((".draft", ".lock")) or "private" in path.parts:
        return True
    text = path.read_text(encoding="utf-8")
    try:
        if path.suffix in (".json", ".ipynb", ".sarif"):
            json.loads(text)
        elif path.suffix == ".xml":
            ElementTree.fromstring(text)
    except (ValueError, ElementTree.ParseError):
        return False
    return text.rstrip().endswith("</html>") if path.suffix == ".html" else bool(text)


def points(arguments: list[str], resume: list[str], root: str, out: str, fault: str, first: int, step: int) -> None:
    """Run with the fault at each point, and go on with what is left."""
    runs = Path(out)
    (earlier,) = (path.name for path in (runs / "ledger").iterdir() if path.is_dir() and path.name != "unfinished")
    with tempfile.TemporaryDirectory() as kept:
        start = shutil.copytree(runs, Path(kept) / "runs")
        straight = run(arguments, partial(arm, Path(root), fault, 0))
        calls = straight["met"].splitlines()
        left(runs, earlier)  # the code that judges and renders is there then
        numbers = sorted(calls.index(one) + 1 for one in {*calls})
        print(json.dumps({"calls": len(calls), "points": len(numbers), "status": straight["status"]}), flush=True)
        for number in numbers[first::step]:
            shutil.rmtree(runs)
            shutil.copytree(start, runs)
            end = {"fault": fault, "number": number, **run(arguments, partial(arm, Path(root), fault, number))}
            end["left"] = left(runs, earlier)
            if end["left"]["unfinished"]:
                (folder,) = (runs / "ledger" / "unfinished").iterdir()
                end["again"] = run([*resume, str(folder)])
                end["again"]["left"] = left(runs, earlier)
            print(json.dumps(end), flush=True)


if __name__ == "__main__":
    prepare_imports()
    import papermill  # noqa: F401  # once for all

    points(**json.load(sys.stdin))
