"""Hands tasks to workers, each a process of its own, and takes their answers as they come."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
Task = dict[str, Any]
TAKES = {"referrals": 6}  # as long as a task of another sample: it waits for its schedule, and the machine is free


class Tasks:
    """What is left to do, by sample: a worker stays with one, since to start it costs as much as a planting."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.left: dict[str, list[Task]] = {}
        for task in tasks:
            self.left.setdefault(_example(task), []).append(task)
        self.lock = threading.Lock()

    def next(self, example: str) -> Task | None:
        """Return the next of this sample, or where it has none the first of the sample that will take longest."""
        with self.lock:
            if not self.left.get(example):
                example = next(iter(self.names()), "")
            return self.left[example].pop(0) if self.left.get(example) else None

    def names(self) -> list[str]:
        """Return the samples, the one first that will take longest: begun last, it would be waited for alone."""
        return sorted(self.left, key=lambda name: len(self.left[name]) * TAKES.get(name, 1), reverse=True)


def answers(tasks: Sequence[Task], workers: int) -> Iterator[dict[str, Any]]:
    """Yield an answer for each task, in the order in which they end; a worker that died answers with a `problem`."""
    left, ended = Tasks(tasks), queue.SimpleQueue[dict[str, Any]]()
    names = left.names()
    working = [
        threading.Thread(target=_work, args=(left, names[number % len(names)], ended), daemon=True)
        for number in range(min(workers, len(tasks)))
    ]
    for thread in working:
        thread.start()
    for _ in tasks:
        yield ended.get()
    for thread in working:
        thread.join()


def _work(left: Tasks, example: str, ended: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Keep a worker at work until nothing is left."""
    process = None
    with ExitStack() as held:  # in the end its input is closed, and its end waited for
        while (task := left.next(example)) is not None:
            example = _example(task)
            if process is None or process.poll() is not None:
                process = held.enter_context(_started())
            ended.put(_answer(process, task))


def _started() -> subprocess.Popen[str]:
    # Not by `-m`: every process that it forks would import that module anew, and pandas with it.
    return subprocess.Popen(
        [sys.executable, "-c", "from tests.faults.working import main; main()"],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def _answer(process: subprocess.Popen[str], task: Task) -> dict[str, Any]:
    assert process.stdin and process.stdout
    try:
        process.stdin.write(json.dumps(task) + "\n")
        process.stdin.flush()
        text = process.stdout.readline()
    except OSError as error:
        return {**task, "problem": f"its worker is gone: {error}"}
    if not text:
        return {**task, "problem": f"its worker ended with {process.wait()}"}
    answer: dict[str, Any] = json.loads(text)
    return answer


def _example(task: Task) -> str:
    return str(task["kind"]).partition("/")[0]
