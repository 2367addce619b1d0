"""Holds planters, reference and dsaudit together over many faults: `python -m tests.faults.reference`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from functools import partial
from importlib import import_module
from itertools import groupby, product

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from examples.control import SampleError
from examples.planting import faults_of
from tests.faults.reference.system import OtherSchema
from tests.faults.triangle import DATA, Held, data_faults, held_clean, held_together


def main() -> int:
    """Plant each kind in each seed, say where two of the three differ; 1 where any do."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.reference", description=__doc__)
    parser.add_argument(
        "--kinds", nargs="*", help="such as storefront/key_null or 'discovery/*' (default: data faults)"
    )
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, beginning with 1 (default 1)")
    given = parser.parse_args()
    kinds = data_faults() if given.kinds is None else _matching(given.kinds)
    if not kinds:
        parser.error(f"--kinds: no fault is called so; there are {', '.join(data_faults())}")
    number = sum(_held(kinds, range(1, given.seeds + 1)))
    print(f"{len(kinds)} kinds, {given.seeds} seeds: {number} disagreements")
    return 1 if number else 0


def _held(kinds: list[str], seeds: Sequence[int]) -> Iterator[int]:
    """Yield how many disagreements there are: of each sample when it is clean, and of each kind and seed."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=len(kinds) * len(seeds))
        for example, own in groupby(kinds, lambda kind: kind.partition("/")[0]):
            with import_module(f"examples.{example}").running() as sample:
                yield _told(example, partial(held_clean, sample))
                for kind, seed in product(own, seeds):
                    progress.update(task, description=kind)
                    yield _told(f"{kind} {seed}", partial(held_together, sample, seed, kind.partition("/")[2]))
                    progress.advance(task)


def _matching(patterns: list[str]) -> list[str]:
    there = [f"{example}/{fault}" for example in DATA for fault in sorted(faults_of(example))]
    return [kind for kind in there if any(fnmatch(kind, pattern) for pattern in patterns)]


def _told(name: str, hold: Callable[[], Held]) -> int:
    """Print what came of it, disagreement by disagreement, and return how many there are."""
    begun = time.monotonic()
    try:
        held = hold()
    except (OtherSchema, SampleError) as why:
        print(f"{name}: not held: {why}", flush=True)
        return 0
    rows = sum(map(len, held.reference.values()))
    told = f"{rows} findings, {len(held.disagreements)} disagreements, {time.monotonic() - begun:.1f} s"
    print("\n  ".join([f"{name}: {told}", *map(str, held.disagreements)]), flush=True)
    return len(held.disagreements)


if __name__ == "__main__":
    sys.exit(main())
