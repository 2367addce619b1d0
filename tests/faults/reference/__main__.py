"""Holds planters, reference and dsaudit together over many faults: `python -m tests.faults.reference`."""

from __future__ import annotations

import argparse
import sys
import time
from fnmatch import fnmatch
from importlib import import_module
from itertools import groupby

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

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
    seeds = range(1, given.seeds + 1)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    number = 0
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=len(kinds) * len(seeds))
        for example, own in groupby(kinds, lambda kind: kind.partition("/")[0]):
            with import_module(f"examples.{example}").running() as sample:
                number += _tell(held_clean(sample), 0)
                for kind in own:
                    for seed in seeds:
                        progress.update(task, description=kind)
                        begun = time.monotonic()
                        try:
                            held = held_together(sample, seed, kind.partition("/")[2])
                            number += _tell(held, time.monotonic() - begun)
                        except OtherSchema as why:
                            print(f"{kind} {seed}: {why}")
                        progress.advance(task)
    print(f"{len(kinds)} kinds, {len(seeds)} seeds: {number} disagreements")
    return 1 if number else 0


def _matching(patterns: list[str]) -> list[str]:
    there = [f"{example}/{fault}" for example in DATA for fault in sorted(faults_of(example))]
    return [kind for kind in there if any(fnmatch(kind, pattern) for pattern in patterns)]


def _tell(held: Held, seconds: float) -> int:
    rows = sum(map(len, held.reference.values()))
    print(f"{held.kind} {held.seed}: {rows} findings, {len(held.disagreements)} disagreements, {seconds:.1f} s")
    for one in held.disagreements:
        print(f"  {one}")
    sys.stdout.flush()
    return len(held.disagreements)


if __name__ == "__main__":
    sys.exit(main())
