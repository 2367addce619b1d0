"""`make faults`: plants each kind of fault with several seeds, audits clean systems, and says what was not seen."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from dsaudit.evidence import provenance
from dsaudit.progress import shown
from tests.faults.dispatching import Task, answers
from tests.faults.judging import what_is_wrong
from tests.faults.library import BLUEPRINTS, KINDS, Kind, chosen
from tests.faults.lines import FIGURES, LinesError, Trial, objects
from tests.faults.publishing import publish

NAMES = {"trial": "trials.jsonl", "clean": "clean.jsonl"}
PAPERMILL = 0.1  # the share that is audited as `dsaudit run` does it
SEEDS, CLEAN = 5, 100
PART = Path("reports") / "faults"


def main() -> int:
    """Run the matrix; the exit status is 1 where anything was missed, told wrongly, or found where nothing is."""
    given = _arguments()
    if given.list:
        print("\n".join(KINDS))
        return 0
    try:
        return _measured(given)
    except KeyboardInterrupt:
        print(f"stopped; what was done stands in {given.out}: the same command with --resume goes on", flush=True)
        return 130
    except (OSError, LinesError) as error:
        raise SystemExit(f"--out {given.out}: {error}") from None


def _measured(given: argparse.Namespace) -> int:
    """Do what is left to do, and publish it where it is whole."""
    seeds, clean = (range(given.first_seed, given.first_seed + count) for count in (given.seeds, given.clean))
    tasks = [*_tasks(chosen(given.kinds), seeds, clean, given.way_seed)]
    done = _done(given.out) if given.resume else _begun(given.out)
    left = [task for task in tasks if _key(task) not in done]
    bad, unjudged, cpu, began = 0, 0, 0.0, time.monotonic()
    with shown() as show:
        show(f"{len(left)} plantings and clean runs to do")
        for number, answer in enumerate(answers(left, given.jobs), 1):
            wrong = _written(given.out, answer)
            cpu += answer.get("cpu", 0)
            bad += bool(wrong)
            unjudged += "problem" in answer
            for line in wrong:
                print(f"{answer['kind']} seed {answer['seed']} by {answer['way']}: {line}", flush=True)
            show(f"{number} of {len(left)} done, {bad} not as they should be; the last: {answer['kind']}")
    minutes = (time.monotonic() - began) / 60
    print(f"{len(left)} done in {minutes:.1f} min and {cpu:.0f} CPU s, {bad} not as they should be: {given.out}")
    if given.is_whole and not unjudged:
        for name in NAMES.values():  # not before: a run that is stopped leaves what is published as it is
            shutil.copyfile(given.out / name, FIGURES / name)
        print(publish())
    return min(bad, 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("kinds", nargs="*", help="names or patterns such as 'storefront/*' (default: the core)")
    parser.add_argument("--list", action="store_true", help="print all kinds and end")
    parser.add_argument("--seeds", type=_count, default=SEEDS, help=f"of each kind (default {SEEDS})")
    parser.add_argument("--first-seed", type=_count, default=1, help="so that others are tried (default 1)")
    parser.add_argument("--clean", type=_count, default=CLEAN, help=f"clean runs of the four samples (default {CLEAN})")
    cores = os.cpu_count() or 1
    # Several a core: the referrals wait for their schedule most of the time.
    parser.add_argument("--jobs", type=_count, default=3 * cores, help="workers (default three for each core)")
    parser.add_argument("--way-seed", type=int, default=1, help="chooses the tenth that papermill executes (default 1)")
    parser.add_argument("--out", type=Path, help=f"where lines are written; then nothing is published (default {PART})")
    parser.add_argument("--resume", action="store_true", help="keep what stands there already of this commit")
    given = parser.parse_args()
    try:
        chosen(given.kinds)
    except ValueError as error:
        parser.error(str(error))
    if not (given.seeds or given.clean) or not given.jobs:
        parser.error("--seeds and --clean are 0, or --jobs is: then nothing is tried")
    if given.resume and provenance().get("dirty"):
        parser.error("--resume: the code is not that of its commit, so what stands there may be of other code")
    # A part replaces no figures that are published.
    given.is_whole = not (given.kinds or given.out) and given.seeds >= SEEDS and given.clean >= CLEAN
    given.out = given.out or PART
    return given


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def _tasks(kinds: Sequence[Kind], seeds: Iterable[int], clean: Iterable[int], way_seed: int) -> Iterator[Task]:
    """Yield every planting and clean run, those of a sample behind each other; a tenth of both by papermill."""
    random = Random(f"ways {way_seed}")
    names = [(kind.name, seed) for kind in kinds for seed in seeds]
    names += [([*BLUEPRINTS][seed % len(BLUEPRINTS)], seed) for seed in clean]
    by_papermill = set(random.sample(range(len(names)), round(PAPERMILL * len(names))))
    for place, (name, seed) in enumerate(names):
        yield {"kind": name, "seed": seed, "way": "papermill" if place in by_papermill else "process"}


def _key(line: dict[str, Any]) -> tuple[Any, ...]:
    return line["kind"], line["seed"], line["way"]


def _begun(out: Path) -> set[tuple[Any, ...]]:
    """Begin the files anew."""
    out.mkdir(parents=True, exist_ok=True)
    for name in NAMES.values():
        (out / name).write_text("", encoding="utf-8")
    return set()


def _done(out: Path) -> set[tuple[Any, ...]]:
    """Return what stands in the files already of this commit; anything else in them is left out from now on."""
    out.mkdir(parents=True, exist_ok=True)
    commit, done = _commit(), set()
    for path in (out / name for name in NAMES.values()):
        lines = [line for line in objects(path) if line.get("commit") == commit]
        path.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8")
        done |= {_key(line) for line in lines}
    return done


def _written(out: Path, answer: dict[str, Any]) -> list[str]:
    """Append an answer to the file that it belongs to, and return what is wrong with it."""
    if "problem" in answer:
        return [f"could not be judged: {answer['problem']}"]
    name = "trial" if "root" in answer else "clean"
    with (out / NAMES[name]).open("a", encoding="utf-8") as file:
        file.write(json.dumps({**answer, "commit": _commit()}, ensure_ascii=False) + "\n")
    if name == "clean":
        return [f"{check} is not green on clean data" for check in answer["alarms"]]
    return what_is_wrong(Trial(**{one.name: answer[one.name] for one in fields(Trial)}))


@cache
def _commit() -> str:
    return str(provenance().get("commit"))


if __name__ == "__main__":
    sys.exit(main())
