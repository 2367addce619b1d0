"""The file by which other processes find a running sample, and the lock that says whether it still runs."""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from examples.control import SampleError


def command(example: str) -> str:
    """What the user typed to get here, for messages that tell what to type next."""
    return os.environ.get("SAMPLE_COMMAND", f"python -m examples.{example}")


def default_path(example: str) -> Path:
    return _own_folder() / f"{example}.json"


def _own_folder() -> Path:
    return Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"dsaudit-{os.getuid()}"


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Hold the state file's name; the kernel lets go of it however this process ends. Nothing is left afterwards."""
    _make_private_folder(path.parent)
    descriptor = _lock(path)
    if descriptor is None:
        raise SampleError(f"a sample is already up, or starting, at {path}")
    os.write(descriptor, str(os.getpid()).encode())
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        _lock_of(path).unlink(missing_ok=True)
        os.close(descriptor)


def _make_private_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder == _own_folder() and (folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077):
        raise SampleError(f"{folder} is open to other users; give another place with --state")


def _lock(path: Path) -> int | None:
    """The descriptor that holds the lock, or None if another process holds it."""
    while True:
        descriptor = os.open(_lock_of(path), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        try:
            # Whoever held it until now may have removed the file that we have just locked.
            if os.path.samestat(os.fstat(descriptor), _lock_of(path).stat()):
                return descriptor
        except FileNotFoundError:
            pass
        os.close(descriptor)


def is_up(path: Path) -> bool:
    """Whether a process holds the name: a state file alone may be that of a process killed long ago."""
    try:
        descriptor = os.open(_lock_of(path), os.O_RDWR)  # made by nobody who only asks: it would stay
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def holder(path: Path) -> int:
    """The process that runs, starts or ends the sample."""
    return int(_lock_of(path).read_text())


def write(path: Path, state: dict[str, Any]) -> None:
    """Write it whole and readable by its owner only, or not at all."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    os.close(descriptor)
    Path(name).write_text(json.dumps(state, indent=1), encoding="utf-8")
    Path(name).replace(path)


def read(path: Path, example: str) -> dict[str, Any]:
    """The state of the sample that runs now. To read it is to use it: the sample ends when nobody does for long."""
    if not path.exists() or not is_up(path):
        raise SampleError(f"no sample is up at {path}; start one with: {command(example)} up")
    path.touch()
    return json.loads(path.read_text(encoding="utf-8"))
