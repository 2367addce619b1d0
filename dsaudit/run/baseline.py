"""Accepts known rows: makes a baseline out of a run, and judges a later run by it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dsaudit.evidence import write_atomically
from dsaudit.parameters import Parameters
from dsaudit.parameters.baseline import Accepted, Baseline, BaselineError, load, path_of, sentence
from dsaudit.verdict import SCHEMA, Status, Verdict, worst
from dsaudit.verdict.card import plural, thousands
from dsaudit.verdict.masking import Mask, key_of, load_key

Record = dict[str, Any]


@dataclass(frozen=True)
class Terms:
    """By whom, until when, why, and what of a run is accepted."""

    owner: str
    expires: str
    reason: str = ""
    checks: Sequence[str] = ()
    partial: bool = False


def make(folder: Path, parameters: Parameters, terms: Terms, today: date) -> tuple[Path, Baseline]:
    """Write the baseline of a run: its failing checks, or of them those that `terms` name beside what was accepted.

    Raises
    ------
    BaselineError
        The run cannot be accepted: it is of another system or key, a part only, found nothing, or more than it named.
    """
    result = _result(folder)
    if result["run"]["integration"] != parameters.integration:
        own = f"{parameters.path.name} describes {parameters.integration}"
        raise BaselineError(f"{folder.name} is a run of {result['run']['integration']}, and {own}")
    part = "; ".join(result["limits"])
    if part and not terms.partial:
        raise BaselineError(f"{folder.name} is no whole run ({part}); accept what it saw with --partial")
    mask = Mask(load_key(parameters.integration))
    chosen = _chosen(result, terms, mask)
    given = {"owner": terms.owner, "reason": terms.reason, "made": today.isoformat(), "expires": terms.expires}
    given |= {"run": folder.name, "part": part}
    try:
        accepted = {one["check"]: Accepted(**given, findings=sorted(map(str, one["findings"]))) for one in chosen}
    except ValidationError as error:
        raise BaselineError(sentence(error)) from None
    kept = load(parameters, mask).checks if terms.checks or part else {}
    made = Baseline(integration=parameters.integration, key=mask.name, checks={**kept, **accepted})
    return _written(made.model_copy(update={"seal": made.sealed(mask)}), path_of(parameters))


def _written(made: Baseline, path: Path) -> tuple[Path, Baseline]:
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, json.dumps(made.model_dump(), indent=1) + "\n")
    return path, made


def parameter_file(folder: Path) -> Path:
    """Return the parameter file of a run, as its result names it, in the project's folder of parameter files."""
    return Path("parameters") / Path(str(_result(folder)["parameters"]["file"])).name


def _result(folder: Path) -> Record:
    try:
        result: Record = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        _ = result["run"]["integration"], result["limits"], result["parameters"]["file"]
        _ = [(one["check"], one["status"], one["findings"], one["results"]) for one in result["verdicts"]]
    except (OSError, ValueError, KeyError, TypeError):
        raise BaselineError(f"{folder}: this is no folder of a run: it has no whole result") from None
    if result["schema"] != SCHEMA:
        raise BaselineError(f"{folder}: its result is of schema {result['schema']}; this dsaudit reads schema {SCHEMA}")
    return result


def _chosen(result: Record, terms: Terms, mask: Mask) -> list[Record]:
    """Return the verdicts whose rows can be accepted and are meant; each that is named has to be one."""
    verdicts = {verdict["check"]: verdict for verdict in result["verdicts"]}
    found = [one for one in verdicts.values() if one["status"] == Status.FAIL or one.get("accepted")]
    for name in terms.checks:
        if name not in verdicts:
            raise BaselineError(f"the run has no check {name!r}")
        if verdicts[name] not in found:
            raise BaselineError(f"{name} has nothing to accept: it ended {verdicts[name]['status']}")
    chosen = [one for one in found if not terms.checks or one["check"] in terms.checks]
    if not chosen:
        raise BaselineError("there is nothing to accept: no check of this run failed")
    for verdict in chosen:
        total = sum(one["total"] for one in verdict["results"])
        if len(verdict["findings"]) < total:
            raise BaselineError(
                f"{verdict['check']} found {plural(total, 'row')} and names {thousands(len(verdict['findings']))} of "
                "them; what was not seen is not accepted: mend it, or choose others with --check"
            )
        foreign = {key_of(finding) for finding in verdict["findings"]} - {mask.name}
        if foreign:
            raise BaselineError(
                f"the run was made under the mask key {foreign.pop()}, and here is {mask.name}; "
                "give the same DSAUDIT_MASK_KEY"
            )
    return chosen


def accept(verdicts: list[Verdict], baseline: Baseline, today: date) -> None:
    """Waive the failing checks whose every row is accepted; tell of the others what is new in them, or expired."""
    for verdict in verdicts:
        accepted = baseline.checks.get(verdict.check)
        failing = [result for result in verdict.results if result.status is Status.FAIL]
        if accepted is None or not failing:
            continue
        against = _against(verdict, accepted, today)
        for result in failing:
            if against:
                result.reason = "; ".join(filter(None, (result.reason, against)))
            else:
                result.status = Status.WAIVED
        if not against:
            verdict.accepted = {
                **{name: getattr(accepted, name) for name in ("owner", "reason", "expires", "run")},
                "rows": len(verdict.findings),
            }
        verdict.status = worst(result.status for result in verdict.results)


def _against(verdict: Verdict, accepted: Accepted, today: date) -> str | None:
    """Return why a check fails in spite of its baseline, or None."""
    found = Counter(verdict.findings)
    known = (found & Counter(accepted.findings)).total()
    if accepted.is_over(today):
        return f"the baseline of {accepted.owner} expired on {accepted.expires}; {plural(known, 'row')} of it are here"
    new = found.total() - known
    if new:
        until = f"accepted by {accepted.owner} until {accepted.expires}"
        return f"{plural(new, 'row')} of the check {'is' if new == 1 else 'are'} new; {thousands(known)} known, {until}"
    if found.total() < verdict.total:
        return f"only {thousands(found.total())} of {plural(verdict.total, 'row')} have a name to be accepted by"
    return None


def told(verdicts: list[Verdict]) -> Record | None:
    """Return how many rows of a run are accepted and until when, or None; the first day that one expires counts."""
    accepted = [verdict.accepted for verdict in verdicts if verdict.accepted]
    if not accepted:
        return None
    return {
        "rows": sum(one["rows"] for one in accepted),
        "checks": len(accepted),
        "until": min(one["expires"] for one in accepted),
        "owners": sorted({one["owner"] for one in accepted}),
    }
