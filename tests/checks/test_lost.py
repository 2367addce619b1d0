"""What cannot be read as of the instant is said in its place: everything else of a phase is still shown and judged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import matplotlib as mpl
import pandas as pd
import pytest

mpl.use("agg")

from matplotlib import pyplot as plt  # the backend comes first
from matplotlib.axes import Axes

from dsaudit import plots
from dsaudit.audit import Audit
from dsaudit.checks import CheckError, notebooks
from dsaudit.parameters import project_root
from dsaudit.verdict import Verdict
from tests import ledger
from tests.checks.auditing import opened, told

pytestmark = pytest.mark.xdist_group("lost")  # one clone for all of them

BY_RECORD = ["source_missing_in_raw", "source_missing_in_refined", "refined_missing_at_source", "field_differences"]
OTHERS = ["raw_differs_from_source", "children_match_payload", "lookups_use_an_index", "lookups_within_budget"]
LOST = "public.shopify_refund was truncated, rewritten or redefined after the run's instant"


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def truncated(sample: Any) -> Iterator[Audit]:
    """An audit of a clone of which one table was truncated after the instant, and what refers to it with it."""
    with sample.clone() as clone, opened(clone.parameters, clone.environment) as audit:
        assert audit.source.index  # read first: the snapshot is renewed after it
        with clone.owner() as owner:
            owner.execute("truncate shopify_refund cascade")
        yield audit


def shown(kind: str) -> list[str]:
    """Return what the notebooks of a blueprint show by a call, in their order."""
    cells = [one for path in notebooks(project_root() / "notebooks" / "datasource")
             for one in json.loads(path.read_text(encoding="utf-8"))["cells"]]  # fmt: skip
    source = "\n".join("".join(one["source"]) for one in cells if one["cell_type"] == "code")
    return re.findall(rf'audit\.{kind}\("(\w+)"\)', source)


def sentence(axes: Axes) -> str:
    """Return what stands for a picture where it is not seen."""
    told, _ = axes.get_figure(root=True)._repr_mimebundle_()  # type: ignore[union-attr]
    return str(told["text/plain"])


def by_status(verdict: Verdict) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in verdict.results:
        found.setdefault(one.status.value, set()).add(one.scope["resource"])
    return found


@pytest.mark.parametrize("check", [*BY_RECORD, *OTHERS])
def test_a_lost_table_leaves_the_other_resources_to_be_judged(truncated: Audit, check: str) -> None:
    verdict = truncated.check(check)
    found = by_status(verdict)
    assert found.keys() == {"pass", "inconclusive"}, told(verdict)
    assert found["inconclusive"] <= {"refund", "refund_line_item"}
    assert "order" in found["pass"] or check == "children_match_payload"
    reasons = {one.reason for one in verdict.results if one.status.value == "inconclusive"}
    assert any(str(one).startswith(LOST) for one in reasons)


def test_the_counts_tell_of_a_lost_table_that_they_are_not_known(truncated: Audit) -> None:
    counts = truncated.frame("counts_on_all_sides").set_index(["tenant", "resource"])
    lost, order = counts.loc["acme", "refund"], counts.loc["acme", "order"]
    assert lost["within_2"] == "not known"
    assert lost[["at_source", "received", "refined", "difference"]].isna().all()
    assert order["within_2"] == "yes" and order["refined"] == order["at_source"] > 0


def test_the_differences_name_the_lost_lists(truncated: Audit) -> None:
    frame = truncated.differences()
    assert "acme, refund" in frame.attrs["unread"] and "acme, order" not in frame.attrs["unread"]
    said = sentence(plots.differences_by_cause(frame))
    assert "; not compared, as the source's list is not whole or our table is lost: acme, refund" in said


def test_everything_is_shown_but_what_takes_all_resources_together(truncated: Audit) -> None:
    told = {name: truncated.frame(name).attrs.get("unshown") for name in [*shown("table"), *shown("frame")]}
    unshown = {name: why for name, why in told.items() if why}
    assert unshown.keys() == {"changes_by_way", "webhook_silences"}
    assert all(why.startswith(LOST) for why in unshown.values())


def test_what_a_lost_record_is_nested_in_or_holds_is_not_judged_by_it(new_ledger: Callable[..., ledger.Ledger]) -> None:
    system = new_ledger()
    with opened(system.parameters, system.environment) as audit:
        assert audit.source.index
        system.execute("alter table ledger.invoice add rewritten double precision default random()")
        found = {name: by_status(audit.check(name)) for name in ("source_missing_in_refined", "field_differences")}
        assert list(found.values()) == [{"pass": {"member"}, "inconclusive": {"invoice", "line"}}] * 2


def test_a_snapshot_that_is_gone_is_said_wherever_something_would_be_shown(
    new_ledger: Callable[..., ledger.Ledger],
) -> None:
    system = new_ledger()
    with opened(system.parameters, system.environment) as audit:
        assert audit.source.index
        system.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where application_name = 'dsaudit/datasource/a_test' and backend_xmin is not null"
        )
        reason = "the run's snapshot is gone"
        table = audit.table("counts_on_all_sides")._repr_mimebundle_()
        assert "not known" in table["text/plain"]  # of each resource
        table = audit.table("failed_deliveries")._repr_mimebundle_()
        assert f" could not be shown: {reason}" in table["text/plain"] and "could not be shown" in table["text/html"]
        late = audit.frame("deliveries_over_time")
        assert late.empty and not len(late.columns) and late.attrs["unshown"].startswith(reason)
        assert f": could not be shown: {reason}" in sentence(plots.deliveries(late))
        rows = pd.DataFrame([{"tenant": "north"}])
        assert f": could not be shown: {reason}" in sentence(plots.webhooks(rows, late)), (
            "what it would mark is not known"
        )
        assert audit.draft("api_coverage")._repr_mimebundle_()["text/plain"]
        with pytest.raises(CheckError, match="there is no table"):
            audit.table("no_such_table")


def test_a_lost_resource_has_no_bound_in_a_sample(new_ledger: Callable[..., ledger.Ledger]) -> None:
    system = new_ledger()
    bounds = []
    for lose in (False, True):
        with opened(system.parameters, system.environment, sample=2) as audit:
            assert audit.source.index
            if lose:
                system.execute("truncate ledger.invoice_line")
            bounds.append(audit.check("source_missing_in_refined").bounds)
    assert bounds[0].keys() == {"member", "invoice"} and bounds[1].keys() == {"member"}
