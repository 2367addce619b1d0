"""Runs a command and prints what it cost with all that it started, those among it that nobody waited for."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
import threading
import time

import psutil

PR_SET_CHILD_SUBREAPER = 36  # prctl(2), Linux: a process whose parent has ended becomes a child of this one
LOOK_SECONDS = 0.25


def main(words: list[str]) -> None:
    """Print a line of JSON: wall and CPU seconds, MB at the most, and the command's exit status."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    ended, most = threading.Event(), [0.0]
    watch = threading.Thread(target=_watch, args=(ended, most))
    watch.start()
    started = time.perf_counter()
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    status = process.wait()
    wall = time.perf_counter() - started
    while _any_child_left():
        os.wait()
    ended.set()
    watch.join()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({"wall": wall, "cpu": used.ru_utime + used.ru_stime, "memory": most[0], "status": status}))


def _any_child_left() -> bool:
    return bool(psutil.Process().children())


def _watch(ended: threading.Event, most: list[float]) -> None:
    """Sum the memory of all processes, what they share counted once."""
    while not ended.wait(LOOK_SECONDS):
        whole = 0.0
        for one in psutil.Process().children(recursive=True):
            try:
                whole += one.memory_full_info().pss / 2**20
            except psutil.Error:  # it has ended
                continue
        most[0] = max(most[0], whole)


if __name__ == "__main__":
    main(sys.argv[1:])
