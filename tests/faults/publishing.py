"""`python -m tests.faults.publishing`: publishes what the fault matrix found, in README, pictures and reports."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dsaudit.evidence.provenance import finder
from dsaudit.report import detection
from tests.faults import cells, counting, drawing, tables
from tests.faults.lines import FIGURES, Figures, LinesError, objects, read

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- figures: what stands between these two lines is written by `make faults` -->", "<!-- /figures -->"


def publish(folder: Path = FIGURES, readme: Path = README, carried: Path = detection.FILE) -> str:
    """Write the README's figures, its pictures, and the record that reports carry; return in a line what was written.

    Without plantings there is no record, and reports say that the rate was not measured.

    Raises
    ------
    LinesError
        A file of the figures cannot be read, or the README has no place for them.
    """
    figures = read(folder)
    measured = _record(figures, folder, carried)
    pictures = _pictures(figures, readme.parent)
    head, tail = _around(readme)
    of = f"{measured['measured']} with dsaudit {measured['version']}{_commits(folder)}" if measured else ""
    said = [f"Measured on {of}.", ""] if of else []
    text = "\n".join([*said, *tables.written(figures, pictures)])
    readme.write_text(f"{head}{BEGIN}\n\n{text}\n{END}{tail}", encoding="utf-8")
    if measured:
        carried.write_text(json.dumps(measured, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    else:
        carried.unlink(missing_ok=True)
    return f"{readme}: {len(figures.trials)} plantings, {len(figures.clean)} clean runs, {len(figures.mutants)} mutants"


def _record(figures: Figures, folder: Path, carried: Path) -> dict[str, Any]:
    """Return the record of reports; figures that it was made of already keep their day and their code."""
    if not figures.trials:
        return {}
    texts = [(folder / name).read_bytes() for name in ("trials.jsonl", "clean.jsonl") if (folder / name).is_file()]
    digest = hashlib.sha256(b"\0".join(texts)).hexdigest()
    made = {"measured": f"{datetime.now(UTC):%Y-%m-%d}", "version": version("dsaudit"), "code": finder()}
    before = json.loads(carried.read_text(encoding="utf-8")) if carried.is_file() else {}
    if before.get("figures") == digest:
        made = {name: before[name] for name in made}
    return {**made, "figures": digest, **counting.record(figures)}


def _commits(folder: Path) -> str:
    """Return the commits that the figures are of, in words, as far as they say."""
    lines = [line for name in ("trials.jsonl", "clean.jsonl") for line in objects(folder / name)]
    found = sorted({str(line["commit"])[:10] for line in lines if line.get("commit")})
    return f", commit {' and '.join(found)}" if found else ""


def _pictures(figures: Figures, folder: Path) -> dict[str, str]:
    """Draw what there is, and return the line that shows each picture, by the section that it belongs to."""
    shown = {}
    if figures.trials:
        drawing.matrix(
            {name: cells.matrix(one.trials) for name, one in counting.by_blueprint(figures).items()},
            folder / "matrix.svg",
        )
        shown["What was found"] = "![Which check found which fault, a row for each kind of fault](matrix.svg)"
    if figures.rivals:
        drawing.bars(_sides(figures), folder / "rivals.svg")
        shown["Other tools on the same faults"] = "![Planted faults found by each tool](rivals.svg)"
    return shown


def _sides(figures: Figures) -> dict[str, tuple[int, int, int]]:
    """Return how many plantings each tool found, could see, and was shown; ours first."""
    own = counting.own_plantings(figures)
    sides = {tables.OURS: (sum(one.is_found for one in own), len(own), len(own))}
    for name, lines in counting.by_rival(figures.rivals).items():
        planted, _ = tables.planted_and_clean(lines)
        sides[name] = (sum(one.detected for one in planted), sum(one.can_see for one in planted), len(planted))
    return sides


def _around(readme: Path) -> tuple[str, str]:
    """Return what stands in the README before and after the figures."""
    text = readme.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise LinesError(f"{readme}: has no lines {BEGIN} and {END}; put them where the figures belong")
    return head, tail


def main() -> None:
    """Publish, and say in one line what was published or why it could not be."""
    try:
        print(publish())
    except LinesError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
