"""Judges and renders a run once more, from its executed notebooks: what contradicts them was written by somebody else.

Taken as told are the run's plan, terms, parameters and detection rate, and what it says of earlier runs: no notebook
holds these.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from dsaudit.evidence.manifest import RESULT, ManifestError, content, sha256, strict_json
from dsaudit.evidence.provenance import digest
from dsaudit.evidence.sealing import shared
from dsaudit.parameters import Parameters, Part, narrowed
from dsaudit.parameters.baseline import Baseline
from dsaudit.run import judging, publishing
from dsaudit.run.execute import Phase
from dsaudit.run.result import limits_of_part
from dsaudit.verdict import Verdict

Record = dict[str, Any]
FOLLOWING = "is not what follows from the executed notebooks"


def against(folder: Path, result: Record, listed: Collection[str]) -> Iterator[str]:
    """Yield what of a result does not follow from the notebooks in `folder`; `listed` are the files of its manifest."""
    phases = _phases(folder, result, listed)
    for phase in phases:
        yield from _against_notebook(phase)
    yield from _against_baseline(folder, result)
    again = json.loads(json.dumps(_judged(folder, result, phases)))
    yield from _against_verdicts(result, again)
    if result["decision"] != again["decision"]:
        yield f"{RESULT}: the decision is {result['decision']}, and {again['decision']} follows from the notebooks"
    names = ("exit", "reasons", "order", "consequences", "criteria", "checklist", "accepted", "limits", "problems")
    for name in (*names, "digest", "drafts"):
        if result[name] != again[name]:
            yield f"{RESULT}: `{name}` {FOLLOWING}"


def rendered(folder: Path, result: Record, listed: Collection[str]) -> Iterator[str]:
    """Yield the files of a run that are not those which its result and its executed notebooks make."""
    with tempfile.TemporaryDirectory(prefix="dsaudit-") as made:
        again = Path(made)
        inputs = [f"phases/{phase.path.name}" for phase in _phases(folder, result, listed)]
        for name in {*inputs, publishing.BASELINE} & {*listed}:
            (again / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(folder / name, again / name)
        _ = [*publishing.drafts(again, _phases(again, result, listed), result["run"])]
        publishing.write(again, result)
        ours = dict(shared(again))
        for name in sorted({*ours, *listed}):
            if name not in ours:
                yield f"{name}: a run writes no such file"
            elif name not in listed:
                yield f"{name}: a run writes this file, and it is not there"
            elif ours[name].read_bytes() != content(folder / name):
                yield f"{name}: {FOLLOWING}"


def _phases(folder: Path, result: Record, listed: Collection[str]) -> list[Phase]:
    """Return the phases of a result; a notebook that the manifest does not list is none of them.

    Their names become names of files.
    """
    for name in [one["phase"] for one in result["plan"]] + [one["name"] for one in result["phases"]]:
        if not re.fullmatch(r"\w[\w-]*", name):
            raise ManifestError(f"{name!r} is no name of a phase")
    names = (f"phases/{one['name']}.ipynb" for one in result["phases"])
    paths = [folder / name if name in listed else folder / "phases" / ".absent" for name in names]
    return [Phase(**{**one, "path": path}) for one, path in zip(result["phases"], paths, strict=True)]


def _against_notebook(phase: Phase) -> Iterator[str]:
    if not phase.path.is_file():
        return
    text = content(phase.path)
    if sha256(text) != phase.sha256:
        yield f"phases/{phase.path.name}: is not the notebook that {RESULT} says was executed"
    counts = [cell.get("execution_count") for cell in strict_json(text)["cells"]]
    ran = [count for count in counts if count is not None]
    if ran != sorted(set(ran)):
        yield f"phases/{phase.path.name}: its cells do not stand in the order in which they were executed"


def _judged(folder: Path, result: Record, phases: Sequence[Phase]) -> Record:
    values = {**result["parameters"]["values"], "path": Path("parameters") / Path(result["parameters"]["file"]).name}
    parameters = narrowed(Parameters.model_validate(values), Part.from_json(result["run"]["part"]))

    def limits(verdicts: list[Verdict]) -> Iterable[str]:
        of_part = [*limits_of_part(parameters.part, verdicts)]
        return [*of_part, *result["limits"][len(of_part) :]]

    again = judging.judged(result, phases, parameters, _accepted(folder, result), limits)
    with tempfile.TemporaryDirectory(prefix="dsaudit-") as made:
        again["drafts"] = [*publishing.drafts(Path(made), phases, result["run"])]
    again["digest"] = digest(again)
    if result.get("leaks"):
        publishing.tell_leaks(again, result["leaks"])
    return again


def _against_baseline(folder: Path, result: Record) -> Iterator[str]:
    seal, is_there = result["parameters"]["baseline"], (folder / publishing.BASELINE).exists()
    if seal and not is_there:
        yield f"{publishing.BASELINE}: is not there, and the run was judged by one"
    elif is_there and not (seal and _accepted(folder, result).seal == seal):
        yield f"{publishing.BASELINE}: is none that was in force"


def _accepted(folder: Path, result: Record) -> Baseline:
    """Return the baseline that was in force; another than the run names accepts nothing."""
    path = folder / publishing.BASELINE
    nothing = Baseline(integration=result["run"]["integration"], key="")
    if not path.exists():
        return nothing
    found = Baseline.model_validate(strict_json(content(path)))
    return found if found.seal == result["parameters"]["baseline"] else nothing


def _against_verdicts(result: Record, again: Record) -> Iterator[str]:
    told, follow = ({one["check"]: one for one in record["verdicts"]} for record in (result, again))
    if [*told] != [*follow] or len(told) != len(result["verdicts"]):
        yield f"{RESULT}: its verdicts are not one for each check of the plan, in the plan's order"
    for check in sorted({*told} & {*follow}):
        if told[check] == follow[check]:
            continue
        if told[check]["status"] != follow[check]["status"]:
            is_, should = told[check]["status"], follow[check]["status"]
            yield f"{RESULT}: {check} ended {is_}, and {should} follows from the notebooks"
        else:
            yield f"{RESULT}: the verdict of {check} {FOLLOWING}"
