"""`make bench`: notebooks, rows, causes, relations, queries, sizes, audits under writes and beside pgbench."""

from __future__ import annotations

import argparse

from tests.benchmarks import blueprint, causes, live, polite, queries, relations, rows, scale
from tests.benchmarks.contenders import CONTENDERS

NAMES = ["blueprint", "rows", "causes", "relations", "live", "polite", "queries", "scale"]


def main() -> None:
    """Run the benchmark that is named, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", default="all", choices=["all", *NAMES])
    parser.add_argument(
        "--rounds", type=int, help="turns of all sides (default: polite 10, blueprint, queries and relations 3, rows 1)"
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of each side (default 1000000)")
    parser.add_argument("--contenders", default="", help=f"of rows, separated by ; — {'; '.join(CONTENDERS)}")
    parser.add_argument("--seeds", type=int, default=20, help="how often `live` is done (default 20)")
    parser.add_argument(
        "--seconds", type=float, help="how long is written at the source, or pgbench runs (default 60, 20)"
    )
    parser.add_argument("--rate", type=float, default=25, help="writes a second, if the machine can (default 25)")
    given = parser.parse_args()
    chosen = [one.strip() for one in given.contenders.split(";") if one.strip()]
    if unknown := set(chosen) - set(CONTENDERS):
        parser.error(f"--contenders: {', '.join(sorted(unknown))}: there is none of that name; see --help")
    if given.name in ("all", "blueprint"):
        blueprint.main(given.rounds or 3)
    if given.name in ("all", "rows"):
        rows.main(given.rows, given.rounds or 1, chosen or list(CONTENDERS))
    if given.name in ("all", "causes"):
        causes.main(given.rows)
    if given.name in ("all", "relations"):
        relations.main(given.rows, given.rounds or 3)
    if given.name in ("all", "live"):
        live.main(given.seeds, given.seconds or 60, given.rate)
    if given.name in ("all", "polite"):
        polite.main(given.rows, given.rounds or 10, given.seconds or 20)
    if given.name in ("all", "queries"):
        queries.main(given.rows, given.rounds or 3)
    if given.name in ("all", "scale"):
        scale.main(given.rows)


if __name__ == "__main__":
    main()
