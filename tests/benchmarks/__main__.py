"""`make bench`: `blueprint` runs the notebooks, `rows` compares two sides row by row, `all` does both."""

from __future__ import annotations

import argparse

from tests.benchmarks import blueprint, rows
from tests.benchmarks.contenders import CONTENDERS


def main() -> None:
    """Run the benchmark that is named."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", default="all", choices=["all", "blueprint", "rows"])
    parser.add_argument("--rounds", type=int, help="turns of all sides (default: blueprint 3, rows 1)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of each side (default 1000000)")
    parser.add_argument("--contenders", default="", help=f"of rows, separated by ; — {'; '.join(CONTENDERS)}")
    given = parser.parse_args()
    chosen = [one.strip() for one in given.contenders.split(";") if one.strip()]
    if unknown := set(chosen) - set(CONTENDERS):
        parser.error(f"--contenders: {', '.join(sorted(unknown))}: there is none of that name; see --help")
    if given.name in ("all", "blueprint"):
        blueprint.main(given.rounds or 3)
    if given.name in ("all", "rows"):
        rows.main(given.rows, given.rounds or 1, chosen or list(CONTENDERS))


if __name__ == "__main__":
    main()
