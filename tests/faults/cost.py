"""What something costs: the CPU seconds of this process and of all that it has started."""

from __future__ import annotations

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds() -> float:
    """Return the CPU seconds of this process, of those below it, and of those below it that have ended.

    Read from /proc, so 0 where there is none. What a process spent that nobody waited for is lost.
    """
    parents: dict[int, int] = {}
    spent: dict[int, float] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        parents[int(folder.name)] = int(fields[1])
        spent[int(folder.name)] = sum(map(int, fields[11:15])) / TICKS
    below = {os.getpid()}
    while new := {process for process, parent in parents.items() if parent in below} - below:
        below |= new
    return sum(spent.get(process, 0) for process in below)
