"""The tables and the plot of a sync that runs in the background."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes

from dsaudit import plots
from dsaudit.parameters import ParameterError, load
from tests.background.referrals import SECONDS, Referrals
from tests.checks.auditing import opened

pytestmark = pytest.mark.xdist_group("referrals")


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def frame_of(system: Referrals, name: str) -> pd.DataFrame:
    with opened(system.parameters, system.environment) as audit:
        return audit.frame(name)


def test_the_latest_runs_are_shown(clean: Referrals) -> None:
    with opened(clean.parameters, clean.environment) as audit:
        frame, shown = audit.frame("run_history"), str(audit.table("run_history")._repr_mimebundle_())
    assert len(frame) == 20 and frame["started_at"].is_monotonic_decreasing
    assert frame.iloc[0][["trigger", "state", "seconds"]].tolist() == ["beat", "running", None]
    assert {"direct", "api", None} <= set(frame["trigger"]) and "direct" in shown


def test_runs_are_counted_over_time(clean: Referrals) -> None:
    frame = frame_of(clean, "runs_over_time")
    assert frame[["success", "failed", "skipped", "running", "other"]].to_numpy().sum() == 35
    assert frame["success"].sum() == 31 and frame["fetched"].sum() == 186
    assert {one - other for other, one in pairwise(frame["time"])} == {pd.Timedelta(hours=1)}


def test_rows_are_counted_by_what_the_file_names(clean: Referrals) -> None:
    frame = frame_of(clean, "counts_by_type_and_status")
    assert frame["rows"].sum() == 6 and frame["counted"].iloc[0] == "referral_type: Independent, status: Active"


def test_what_rows_are_counted_by_is_a_field(new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    system.edit("[referral_type, status]", "[kind]")
    with pytest.raises(ParameterError, match=r"counted_by: kind is no column under `fields`"):
        load(str(system.parameters))


def test_nothing_is_shown_of_nothing(new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    for name in ("run_history", "runs_over_time", "counts_by_type_and_status", "scheduled_runs"):
        assert frame_of(system, name).empty
    assert sentence(plots.schedule(frame_of(system, "scheduled_runs"))).endswith("nothing to show.")


def sentence(axes: Axes) -> str:
    figure = axes.get_figure(root=True)
    return str(figure._repr_mimebundle_()[0]["text/plain"])  # type: ignore[union-attr]


def test_a_schedule_is_drawn_with_what_is_wrong(new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    for place in range(20):
        if place not in (8, 9):
            system.run(50 + place * SECONDS)
    system.run(50 + 4 * SECONDS - 30)
    frame = frame_of(system, "scheduled_runs")
    assert frame["kind"].value_counts().to_dict() == {"double": 1, "gap": 1}
    assert set(frame[frame["kind"].isna()]["pause_seconds"]) == {float(SECONDS)}
    axes = plots.schedule(frame)
    texts = {text.get_text() for text in axes.texts}
    assert {"every 10 min\n± 20%", "2 missed", "after 30 s"} <= texts
    assert "every 10 min by the schedule; 1 gap and 1 double" in sentence(axes)
    markers = {line.get_marker() for line in axes.lines if len(line.get_xdata())}
    assert {"o", "^", "x"} <= markers  # told apart without colours
    assert min(text.get_fontsize() for text in [*axes.texts, *axes.get_yticklabels()]) >= 6
    axes.get_figure(root=True).canvas.draw()  # type: ignore[union-attr]
    boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert len(boxes) > 3 and all(low.y1 < high.y0 for low, high in pairwise(boxes))


def test_a_clean_schedule_says_so(clean: Referrals) -> None:
    frame = frame_of(clean, "scheduled_runs")
    assert len(frame) == 30 and frame["kind"].isna().all()
    assert "none was missed, none came twice" in sentence(plots.schedule(frame))
    system = clean.parameters.read_text(encoding="utf-8")
    assert "crontab" not in system


def test_a_gap_that_goes_on_ends_at_the_audit(new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    for place in range(5, 10):
        system.run(50 + place * SECONDS)
    axes = plots.schedule(frame_of(system, "scheduled_runs"))
    assert "4 missed, and on" in {text.get_text() for text in axes.texts}


def test_a_crontab_is_drawn_without_an_interval(new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    system.edit("seconds: 600", "crontab: '*/10 * * * *'")
    for place in range(5):
        system.run(50 + place * SECONDS)
    axes = plots.schedule(frame_of(system, "scheduled_runs"))
    assert "the usual pause of 5 starts is 10 min; none" in sentence(axes)
