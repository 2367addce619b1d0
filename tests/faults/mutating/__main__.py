"""`python -m tests.faults.mutating`: makes the mutants, tries them, and writes down which are killed, and by what."""

from __future__ import annotations

import argparse
import os

from dsaudit.checks import all_checks
from tests.faults.mutating import code, queries
from tests.faults.mutating.everywhere import tried_on_all
from tests.faults.mutating.mutant import Mutant
from tests.faults.mutating.recording import known, recorded, summary

LANGUAGES = ["sql", "python"]


def made(names: list[str], languages: list[str]) -> list[Mutant]:
    """Make the mutants of checks; those of functions that act on the system, at minutes each, are left out."""
    known = all_checks()
    if unknown := set(names) - set(known):
        raise SystemExit(f"--checks: there is no {', '.join(sorted(unknown))}; `dsaudit list` names all checks")
    chosen = [known[name] for name in names or known]
    found = list[Mutant]()
    if "sql" in languages:
        found += [one for check in chosen if check.is_query for one in queries.mutants_of(check)]
    if "python" in languages:
        functions = [check for check in chosen if not check.is_query and "acts" not in check.headers]
        found += [one for check in functions for one in code.mutants_of(check)]
    return found


def main() -> None:
    """Try all mutants, or those of some checks, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mutating", description=__doc__)
    parser.add_argument("--checks", nargs="*", default=[], help="only these (default: all)")
    parser.add_argument("--language", choices=LANGUAGES, action="append", help="of queries or of functions alone")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="systems at once (default: as many as CPUs)"
    )
    given = parser.parse_args()
    mutants = made(given.checks, given.language or LANGUAGES)
    lines = known()
    for killed, refused in tried_on_all(mutants, given.jobs):  # written down after each system: a run may be stopped
        lines = recorded(mutants, killed, refused)
    tried = {one.check for one in mutants}
    print(summary(line for line in lines if line["check"] in tried))


if __name__ == "__main__":
    main()
