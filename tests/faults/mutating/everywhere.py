"""Tries mutants on one system after the other, each clean and with its faults, in several processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import Manager, get_context
from queue import Queue

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.faults.mutating.mutant import Key, Mutant
from tests.faults.mutating.stages import FAMILIES
from tests.faults.mutating.trying import tried


def tried_on(family: str, faults: list[str], alive: list[Mutant], done: Queue[int]) -> tuple[dict[Key, str], set[Key]]:
    """Try mutants on a system with some of its faults; return what killed each, and what PostgreSQL refuses."""
    killed, refused = dict[Key, str](), set[Key]()
    with FAMILIES[family].running() as at:
        for fault in faults:
            left = [one for one in alive if one.key not in killed and one.key not in refused]
            if FAMILIES[family].faults[fault] & {one.check for one in left}:
                with at(fault) as (audit, key):
                    found = tried(audit, left, key)
                killed |= dict.fromkeys(found.killed, f"{family}/{fault}")
                refused |= found.refused
            done.put(1)
    return killed, refused


@contextmanager
def progress() -> Iterator[Progress]:
    """Show how many faults were tried, where somebody looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    is_quiet = bool(os.environ.get("CI")) or not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), disable=is_quiet) as bar:
        yield bar


def tried_on_all(mutants: list[Mutant], jobs: int) -> Iterator[tuple[dict[Key, str], set[Key]]]:
    """Try mutants on one system after the other, the faults of each shared among processes; yield what is known."""
    killed, refused = dict[Key, str](), set[Key]()
    with Manager() as manager, progress() as bar, ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        for name, family in FAMILIES.items():
            alive = [one for one in mutants if one.key not in killed and one.key not in refused]
            done, task = manager.Queue(), bar.add_task(name, total=len(family.faults))
            shares = [list(family.faults)[first::jobs] for first in range(jobs)]
            running = [pool.submit(tried_on, name, share, alive, done) for share in shares if share and alive]
            while wait(running, timeout=0.5).not_done:
                bar.update(task, completed=done.qsize())
            for one in running:
                killed = {**one.result()[0], **killed}
                refused |= one.result()[1]
            yield killed, refused
