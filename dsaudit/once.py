"""What several processes of a run need alike: made once, by whichever needs it first, and kept in a private folder."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def once(private: Path, kind: str, asked: Any, make: Callable[[], Any]) -> Any:
    """Return what `make` makes, as JSON has it; of all that ask the same one makes it, and the others wait for it.

    Parameters
    ----------
    private
        The private folder of the run; the answer stays in its folder `kind`.
    asked
        All that the answer depends on, as JSON; what that does not know counts by its text.
    make
        Makes an answer that JSON can hold. What it raises is raised here, and whoever asks next tries again.
    """
    question = json.dumps(asked, default=str, sort_keys=True)
    path = private / kind / f"{_digest(question)}.json"
    path.parent.mkdir(mode=0o700, exist_ok=True)  # and none above it: a run that has ended lies elsewhere
    opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(opened, "r+", encoding="utf-8", errors="replace") as file:
        # Of one that dies the system lets go of the lock. The answer stands in the locked file itself: over a network
        # a lock is what makes sure that another machine's writing is seen.
        fcntl.flock(file, fcntl.LOCK_EX)
        digest, _, told = file.read().partition("\n")
        if digest != _digest(told):  # there is none yet, or not all of it
            told = json.dumps(make())
            file.seek(0)
            file.truncate()
            file.write(f"{_digest(told)}\n{told}")
    return json.loads(told)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
