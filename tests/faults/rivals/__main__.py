"""`python -m tests.faults.rivals`: each rival on each fault's clone; figures/rivals.jsonl has a line for each."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from examples.planting import faults_of
from tests.faults.rivals.trials import FIGURES, RIVALS, run


def main() -> None:
    """Run what is not in the figures yet; a break loses nothing."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.rivals", description=__doc__)
    parser.add_argument("--kinds", nargs="*", default=None, help="names of the storefront's faults (default: all)")
    parser.add_argument("--rivals", nargs="*", default=list(RIVALS), choices=RIVALS, help="which of them")
    parser.add_argument("--seeds", type=int, default=5, help="plantings of each kind (default 5)")
    parser.add_argument("--clean", type=int, default=5, help="clean samples of seeds of their own (default 5)")
    parser.add_argument("--figures", type=Path, default=FIGURES, help="the file of lines (default: the committed one)")
    given = parser.parse_args()
    known = faults_of("storefront")
    kinds = list(known) if given.kinds is None else given.kinds
    if unknown := set(kinds) - set(known):
        parser.error(f"--kinds: {', '.join(sorted(unknown))}: the storefront has no such fault")
    logging.disable(logging.CRITICAL)  # some of them log each column of each table
    run(kinds, given.rivals, given.seeds, given.clean, given.figures)


if __name__ == "__main__":
    main()
