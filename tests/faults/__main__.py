"""`make faults`: plants each kind of fault with several seeds, audits clean systems, and says what was not seen."""

from __future__ import annotations

import argparse
import json
import os
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
from tests.faults.lines import FIGURES, Trial
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
    first = given.first_seed
    tasks = [
        *_tasks(
            chosen(given.kinds), range(first, first + given.seeds), range(first, first + given.clean), given.way_seed
        )
    ]
    done = _done(given.out) if given.resume else _begun(given.out)
    left = [task for task in tasks if _key(task) not in done]
    bad, cpu, began = 0, 0.0, time.monotonic()
    with shown() as show:
        show(f"{len(left)} plantings and clean runs to do")
        for number, answer in enumerate(answers(left, given.jobs), 1):
            wrong = _written(given.out, answer)
            cpu += answer.get("cpu", 0)
            bad += bool(wrong)
            for line in wrong:
                print(f"{answer['kind']} seed {answer['seed']} by {answer['way']}: {line}", flush=True)
            show(f"{number} of {len(left)} done, {bad} not as they should be; the last: {answer['kind']}")
    minutes = (time.monotonic() - began) / 60
    print(f"{len(left)} done in {minutes:.1f} min and {cpu:.0f} CPU s, {bad} not as they should be: {given.out}")
    if given.out == FIGURES:
        print(publish())
    return min(bad, 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("kinds", nargs="*", help="names or patterns such as 'storefront/*' (default: the core)")
    parser.add_argument("--list", action="store_true", help="print all kinds and end")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"of each kind (default {SEEDS})")
    parser.add_argument("--first-seed", type=int, default=1, help="so that others are tried (default 1)")
    parser.add_argument("--clean", type=int, default=CLEAN, help=f"clean runs over the four samples (default {CLEAN})")
    cores = os.cpu_count() or 1
    # Twice the cores: the referrals wait for their schedule most of the time.
    parser.add_argument("--jobs", type=int, default=2 * cores, help="workers (default twice the cores)")
    parser.add_argument("--way-seed", type=int, default=1, help="chooses the tenth that papermill executes (default 1)")
    parser.add_argument(
        "--out", type=Path, help=f"the folder of the figures (default: of a whole run figures/, else {PART})"
    )
    parser.add_argument("--resume", action="store_true", help="keep what stands there already of this commit")
    given = parser.parse_args()
    try:
        chosen(given.kinds)
    except ValueError as error:
        parser.error(str(error))
    is_whole = not given.kinds and given.seeds >= SEEDS and given.clean >= CLEAN
    given.out = given.out or (FIGURES if is_whole else PART)  # a part replaces no figures that are published
    return given


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
        texts = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        kept = [text for text in texts if json.loads(text).get("commit") == commit]
        path.write_text("".join(f"{text}\n" for text in kept), encoding="utf-8")
        done |= {_key(json.loads(text)) for text in kept}
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
