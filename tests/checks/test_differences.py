"""The frame of all differences: what the checks found and nothing else, typed, and masked unless it is revealed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import matplotlib as mpl
import pandas as pd
import pytest

mpl.use("agg")

from matplotlib import pyplot as plt  # the backend comes first

from dsaudit import plots
from dsaudit.audit import Audit
from dsaudit.checks import CheckError
from dsaudit.functions.tables.differences import COLUMNS
from tests import ledger
from tests.checks.auditing import all_rows, opened

pytestmark = pytest.mark.xdist_group("differences")  # one clone for all of them

CHECKS = {
    "missing in raw": "source_missing_in_raw",
    "missing in refined": "source_missing_in_refined",
    "old in raw": "raw_differs_from_source",
    "field": "field_differences",
    "extra": "refined_missing_at_source",
}
FAULTS = ["first_page_only", "refined_row_edited", "zero_decimals_divided", "ghost_row", "orders_update_dropped"]
FAULTS += ["accent_composed", "creation_undelivered"]
INSTANTS = ["changed_at", "received_at", "updated_at", "refined_at"]


@pytest.fixture(scope="module")
def damaged(sample: Any) -> Iterator[Audit]:
    """An audit of a clone of the sample in which several things went wrong."""
    with sample.clone() as clone:
        for fault in FAULTS:
            clone.plant(fault, seed=1)
        clone.settle()
        with opened(clone.parameters, clone.environment) as audit:
            assert audit.source.index
            yield audit


def test_it_has_the_rows_of_the_checks_with_their_causes(damaged: Audit) -> None:
    frame = damaged.differences()
    assert list(frame.columns) == COLUMNS and set(frame["what"]) == set(CHECKS)
    for what, check in CHECKS.items():
        found = sorted((r["resource"], r["cause"]) for r in all_rows(damaged, damaged.check(check)))
        assert (
            sorted(frame.loc[frame["what"] == what, ["resource", "cause"]].itertuples(index=False, name=None)) == found
        )
    one_a_record = frame.drop_duplicates(["tenant", "resource", "source_id"])
    assert frame["leads"].sum() == len(one_a_record)


def test_its_columns_are_typed(damaged: Audit) -> None:
    frame = damaged.differences()
    assert {str(frame[name].dtype) for name in INSTANTS} == {"datetime64[us, UTC]"}
    assert {str(frame[name].dtype) for name in ("rank", "ranks", "examined")} == {"Int64"}
    money = frame[frame["kind"].astype(str).str.startswith("100 times too")]
    assert len(money) and all(isinstance(value, Decimal) for value in [*money["at_source"], *money["in_refined"]])
    late = frame[frame["what"] == "field"]
    assert late["changed_at"].notna().all() and late["received_at"].notna().all() and late["updated_at"].notna().all()


def test_ranks_are_the_places_among_the_sources_ids(damaged: Audit) -> None:
    frame = damaged.differences()
    for (tenant, name), part in frame.groupby(["tenant", "resource"]):
        ids = {item.source_id for item in damaged.source.items(str(tenant), str(name))}
        assert set(part["ranks"]) == {len(ids)}
        missing = part[part["what"] == "missing in refined"].drop_duplicates("source_id")
        if all(one.isdecimal() for one in ids):
            order = sorted(map(int, ids))
            assert [order[rank] for rank in missing["rank"]] == [int(one) for one in missing["source_id"]]


def test_one_resource_or_all(damaged: Audit) -> None:
    frame = damaged.differences()
    some = str(frame["resource"].iloc[0])
    assert set(damaged.differences(some)["resource"]) == {some}
    assert len(damaged.differences(some)) == (frame["resource"] == some).sum()
    with pytest.raises(CheckError, match=r"has no resource 'ordr'; did you mean order\?"):
        damaged.differences("ordr")


def test_the_tables_count_what_the_frame_has(damaged: Audit) -> None:
    frame = damaged.differences()
    by_field, by_cause = damaged.frame("differences_by_field"), damaged.frame("differences_by_cause")
    assert by_field["records"].sum() == (frame["what"] == "field").sum()
    assert by_cause["records"].sum() == len(frame.drop_duplicates(["tenant", "resource", "source_id", "cause"]))
    runs = damaged.frame("differences_by_id")
    assert len(runs) and runs["records"].is_monotonic_decreasing and runs["records"].min() > 1
    assert runs["records"].sum() <= frame["leads"].sum()


def texts(frame: pd.DataFrame) -> str:
    """Return everything that a notebook could show of a frame."""
    return "\n".join([frame.to_html(), frame.to_csv(), repr(frame.to_dict()), str(frame.attrs), frame._repr_html_()])  # type: ignore[operator]


def test_texts_are_masked_until_they_are_revealed(damaged: Audit) -> None:
    whole = damaged.frame("differences")
    hidden = {
        one for name in ("at_source", "in_refined") for one in whole[name] if isinstance(one, str) and len(one) > 8
    }
    assert hidden
    shown = texts(damaged.differences())
    assert not [one for one in hidden if one in shown]
    assert damaged.mask.digest(sorted(hidden)[0]) in shown
    damaged.reveal()
    try:
        pd.testing.assert_frame_equal(damaged.differences(), whole)
    finally:
        damaged.revealed = False


DIFFERENCES = [plots.differences_by_field, plots.differences_by_cause, plots.differences_by_time_and_id]


@pytest.mark.parametrize("plot", DIFFERENCES)
def test_the_plots_take_it_whole_or_in_part(damaged: Audit, plot: Callable[..., Any]) -> None:
    frame = damaged.differences()
    for given in (frame, frame[frame["tenant"] == "acme"], frame[:1], frame[:0]):
        assert plot(given).figure is not None
        plt.close("all")


def test_textual_ids_are_masked_and_what_was_not_compared_is_named(new_ledger: Callable[..., ledger.Ledger]) -> None:
    one = new_ledger()
    one.execute("delete from ledger.invoice_line; delete from ledger.invoice where org = 'S'")
    path = one.folder / "export" / "north" / "invoices.jsonl"
    path.write_text(path.read_text(encoding="utf-8")[:-9], encoding="utf-8")
    with opened(one.parameters, one.environment) as audit:
        frame = audit.differences("invoice")
        assert len(frame) and set(frame["tenant"]) == {"south"}
        assert all(value.startswith(f"{audit.mask.name}:") for value in frame["source_id"])
        assert "9007199254740993" not in texts(frame)
        assert frame.attrs["unread"] == ["north, invoice", "north, line"]
        (said,) = (text.get_text().replace("\n", " ") for text in plots.differences_by_cause(frame[:0]).texts)
        assert said.endswith("; not compared, as the source's list is not whole or our table is lost: "
                             "north, invoice; north, line")  # fmt: skip


def test_without_a_source_there_is_nothing(new_ledger: Callable[..., ledger.Ledger]) -> None:
    one = new_ledger()
    text = one.parameters.read_text(encoding="utf-8")
    one.parameters.write_text(text[: text.index("source:")] + text[text.index("deliveries:") :], encoding="utf-8")
    with opened(one.parameters, one.environment) as audit:
        frame = audit.differences("invoice")
        assert frame.empty and list(frame.columns) == []
        assert {text.get_text() for text in plots.differences_by_field(frame).texts} == {"nothing to show"}
