"""A worker of the matrix: it plants and audits what it is told by lines of JSON, and answers each with another.

A process of its own: it keeps one sample running, of the system that it was told of last, and a server for what checks
try on scratch databases.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from dsaudit import server
from tests import forking
from tests.faults.clean import odd
from tests.faults.judging import alarms, judged
from tests.faults.library import KINDS
from tests.faults.lines import Clean
from tests.faults.systems import SYSTEMS, by_papermill, wait_for_nothing

ATTEMPTS = 2  # a busy machine may start a process too late


@dataclass
class Worker:
    """`sample` is warm: each fault is planted in a clone of it, or in itself and healed."""

    scratch: str
    warm: ExitStack
    example: str = ""
    sample: Any = None

    def answer(self, task: dict[str, Any]) -> dict[str, Any]:
        """Do a task, once more in a new sample if it could not be done, and else tell the `problem`."""
        for _ in range(ATTEMPTS):
            try:
                return self.do(task)
            except Exception as error:
                answer = {**task, "problem": f"{type(error).__name__}: {error}"}
                self._cool_down()
        return answer

    def do(self, task: dict[str, Any]) -> dict[str, Any]:
        """Do one task; the answer has the line to write down, and what it cost."""
        before, began = cpu_seconds(), time.monotonic()
        line = self._clean(task) if "/" not in task["kind"] else self._planted(task)
        return {**line, "seconds": round(time.monotonic() - began, 2), "cpu": round(cpu_seconds() - before, 2)}

    def _planted(self, task: dict[str, Any]) -> dict[str, Any]:
        kind = KINDS[task["kind"]]
        system = SYSTEMS[kind.example]
        self._warm_up(kind.example)
        with system.damageable(self.sample) as sample:
            planted = sample.plant(kind.fault, task["seed"])
            if kind.example == "storefront":
                wait_for_nothing(sample)
            is_run = task["way"] == "papermill"
            found = by_papermill(sample, kind.is_live) if is_run else system.audit(sample, self.scratch, kind.is_live)
        return asdict(judged(kind.name, kind.blueprint, planted, found, task["way"]))

    def _clean(self, task: dict[str, Any]) -> dict[str, Any]:
        self._cool_down()
        system = SYSTEMS[task["kind"]]
        with odd(task["kind"], task["seed"]) as sample:
            is_run = task["way"] == "papermill"
            found = by_papermill(sample, False) if is_run else system.audit(sample, self.scratch, False)
        return asdict(Clean(task["kind"], system.blueprint, task["seed"], task["way"], alarms(found)))

    def _warm_up(self, example: str) -> None:
        if self.example != example:
            self._cool_down()
            self.sample = self.warm.enter_context(SYSTEMS[example].running())
            self.example = example

    def _cool_down(self) -> None:
        """End the sample; also after anything went wrong, so that the next begins anew."""
        self.example, self.sample = "", None
        self.warm.close()


def cpu_seconds() -> float:
    """Return the CPU seconds of this process, of all below it, and of those that they have waited for."""
    own, spent = psutil.Process(), 0.0
    for process in (own, *own.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # it has just ended
            times = process.cpu_times()
            spent += times.user + times.system + times.children_user + times.children_system
    return spent


def main() -> None:
    """Answer lines until there are no more."""
    answers, sys.stdout = sys.stdout, sys.stderr
    forking.begin()
    with server.running() as scratch, ExitStack() as warm:
        worker = Worker(scratch.url, warm)
        with suppress(BrokenPipeError):  # whoever asked is gone
            for text in sys.stdin:
                answer = worker.answer(json.loads(text))
                print(json.dumps(answer, ensure_ascii=False), file=answers, flush=True)
