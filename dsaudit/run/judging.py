"""From executed notebooks to the decision, and nothing else: a run does it once, `dsaudit verify` does it again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from dsaudit.parameters import Parameters
from dsaudit.parameters.baseline import Baseline
from dsaudit.run import collect, decide
from dsaudit.run.baseline import accept, told
from dsaudit.run.execute import Phase
from dsaudit.verdict import Verdict

Record = dict[str, Any]


def judged(
    result: Record,
    phases: Sequence[Phase],
    parameters: Parameters,
    accepted: Baseline,
    limits: Callable[[list[Verdict]], Iterable[str]],
) -> Record:
    """Return a result with everything that follows from its run, plan and terms, and from the executed notebooks.

    Its ``own_problems`` are those of the run that no notebook tells. Added are verdicts, accepted, limits, problems,
    decision, exit, reasons, order, consequences, criteria and checklist.
    """
    verdicts, problems = collect.collect(result["plan"], phases, result["run"])
    today = datetime.fromisoformat(result["run"]["started"]).date()
    decide.waive(verdicts, parameters, today)
    accept(verdicts, accepted, today)
    result = {
        **result,
        "verdicts": [verdict.to_json() for verdict in verdicts],
        "accepted": told(verdicts),
        "limits": [*limits(verdicts)],
        "problems": [*problems, *result["own_problems"]],
    }
    decide.decide(result, parameters, result["terms"])
    return result
