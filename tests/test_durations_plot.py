"""The plot of durations: a lane for each kind that has ended, its longest told in words."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dsaudit import plots
from tests.test_plots import closed as closed
from tests.test_plots import frame, lanes, sentence, width_as_in_a_notebook


def taken(kind: str, median: float | None, longest: float | None, unfinished: int = 0) -> dict[str, Any]:
    return {"resource": "flow", "type": kind, "count": 4, "unfinished": unfinished, "median": median, "p95": longest,
            "longest": longest}  # fmt: skip


def test_each_kind_that_has_ended_has_a_lane_and_the_longest_is_said() -> None:
    axes = plots.durations(frame(taken("import", 60.0, 7200.0, 1), taken("open", None, None), taken("at_$once$", 0, 0)))
    assert lanes(axes) == ["flow\nimport", "flow\nat_$once$"]
    assert sentence(axes).endswith(": the longest took 2 h, of flow import.")
    assert width_as_in_a_notebook(axes) == 900
    assert "4 rows\n1 unfinished" in [text.get_text() for text in axes.texts]


def test_what_cannot_be_drawn_is_said() -> None:
    assert sentence(plots.durations(pd.DataFrame())).endswith(": nothing to show.")
    assert sentence(plots.durations(frame(taken("open", None, None)))).endswith(": none has ended yet.")
    assert sentence(plots.durations(frame({"resource": "flow", "told": "no"}))).endswith(": none has ended yet.")
