"""Every fault shows in the running app as it says, and is healed without a trace; no check of dsaudit's looks."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from examples.answer_key import Planted
from examples.control import SampleError, call, poll
from examples.referrals.faults import FAULTS, TOUR
from examples.referrals.faults.switching import begun_later
from examples.referrals.sample import Sample
from tests.referrals.reading import DUPLICATES, answer, killed_in_the_middle, lines_of, log_lines, table
from tests.samples import shown_and_healed

pytestmark = pytest.mark.xdist_group("referrals_faults")

Shown = Callable[[Sample, Planted], None]
SHOWN: dict[str, Shown] = {}


def shows(shown: Shown) -> Shown:
    """The function of a fault's name looks whether the fault shows."""
    SHOWN[shown.__name__] = shown
    return shown


def columns(sample: Sample) -> list[str]:
    query = "select column_name from information_schema.columns where table_name = 'leads_ready' order by 1"
    return [row["column_name"] for row in sample.rows(query)]


def conf(sample: Sample) -> Any:
    """The configuration that the worker has."""
    from celery import Celery

    with Celery(broker=sample.environment["REFERRALS_BROKER"]) as asking:
        inspecting = asking.control.inspect(timeout=10, limit=1)
        (found,) = inspecting.conf().values()
        (registered,) = asking.control.inspect(timeout=10, limit=1).registered().values()
    return {**found, "registered": registered}


@shows
def sync_inserts_again(sample: Sample, planted: Planted) -> None:
    before = len(table(sample))
    assert len(sample.rows(DUPLICATES)) == 130
    assert sample.ended(sample.sync())["new_count"] == 130 and len(table(sample)) >= before + 130


@shows
def concurrent_syncs_insert_twice(sample: Sample, planted: Planted) -> None:
    before = len(sample.rows(DUPLICATES))
    alone = sample.ended(sample.sync())
    assert alone["status"] == "success"
    for _ in range(5):
        for task in [sample.sync(), sample.sync()]:
            sample.ended(task)
        if len(sample.rows(DUPLICATES)) > before:
            return
    raise AssertionError("it does not show again")


@shows
def second_page_dropped(sample: Sample, planted: Planted) -> None:
    run = sample.ended(sample.sync())
    assert (run["pages"], run["fetched"]) == (1, 25)
    missing = {one["id"] for one in sample.partner("records")} - {one["referral_id"] for one in table(sample)}
    assert missing == set(planted.must[0].keys)


@shows
def beat_entry_missing(sample: Sample, planted: Planted) -> None:
    assert conf(sample)["beat_schedule"] == {}
    assert [run["trigger"] for run in sample.runs()] == ["beat"]


@shows
def beat_interval_wrong(sample: Sample, planted: Planted) -> None:
    (entry,) = conf(sample)["beat_schedule"].values()
    assert entry["schedule"] == 3 * sample.interval
    first, second = sample.runs(trigger="beat")[-2:]
    assert (second["started_at"] - first["started_at"]).total_seconds() > 2 * sample.interval


@shows
def beat_fires_twice(sample: Sample, planted: Planted) -> None:
    begun = [run["started_at"] for run in sample.runs(trigger="beat")[-4:]]
    assert min((late - early).total_seconds() for early, late in pairwise(begun)) < 0.9 * sample.interval
    assert sample.platform("status")["beats"] == 2


@shows
def task_never_registered(sample: Sample, planted: Planted) -> None:
    after = sample.last_run()
    assert planted.must[0].keys[0] not in conf(sample)["registered"]
    task = sample.sync()
    for _ in poll(30, pause=0.05):
        if task in (sample.logs / "worker.log").read_text():
            break
    assert sample.runs(after) == []


@shows
def api_ignores_flag(sample: Sample, planted: Planted) -> None:
    sample.enable(False)
    assert sample.ended(sample.sync())["status"] == "skipped"


@shows
def task_ignores_flag(sample: Sample, planted: Planted) -> None:
    sample.enable(False)
    with pytest.raises(SampleError, match="answered 400"):
        sample.sync()
    (run,) = sample.scheduled()
    assert (run["status"], run["feature_flag_state"], run["fetched"]) == ("success", "disabled", 130)


@shows
def api_errors_swallowed(sample: Sample, planted: Planted) -> None:
    assert ("success", 0) in {(run["status"], run["fetched"]) for run in sample.runs()}
    assert sample.ended(sample.sync())["fetched"] == 130
    assert log_lines(sample, "sync_failed") == []


@shows
def exception_crashes_worker(sample: Sample, planted: Planted) -> None:
    sample.refuse(503)
    task = sample.sync()
    for _ in poll(30, pause=0.05):
        if sample.platform("status")["worker"] == "ended":
            break
    assert sample.platform("status")["worker"] == "ended"
    assert "sync_failed" not in lines_of(sample, task)


@shows
def statistics_missing_from_log(sample: Sample, planted: Planted) -> None:
    run = sample.ended(sample.sync())
    (line,) = [one for one in log_lines(sample, "sync_completed") if one["task_id"] == run["task_id"]]
    assert not {"new", "updated", "skipped"} & line.keys()


@shows
def domain_not_normalised(sample: Sample, planted: Planted) -> None:
    typed = {one["id"]: one["customerProfile"]["website"] for one in sample.partner("records")}
    assert all(row["domain"] == typed[row["referral_id"]] for row in table(sample))
    assert len(planted.must[0].keys) > 50


@shows
def referral_type_missing_from_view(sample: Sample, planted: Planted) -> None:
    assert columns(sample) == ["company_name", "domain", "referral_id", "status"]


@shows
def everything_counted_new(sample: Sample, planted: Planted) -> None:
    run = sample.ended(sample.sync())
    assert (run["fetched"], run["new_count"], run["skipped_count"]) == (130, 130, 0)
    assert len(table(sample)) == 130


@shows
def flag_reaches_the_api_alone(sample: Sample, planted: Planted) -> None:
    sample.enable(False)
    with pytest.raises(SampleError, match="answered 400"):
        sample.sync()
    (run,) = sample.scheduled(after=begun_later(sample))
    assert (run["status"], run["feature_flag_state"]) == ("success", "enabled")


@shows
def flag_stays_off(sample: Sample, planted: Planted) -> None:
    sample.enable(False)
    sample.enable(True)
    with pytest.raises(SampleError, match="answered 400"):
        sample.sync()


@shows
def bad_record_ends_sync(sample: Sample, planted: Planted) -> None:
    sample.platform("partner", {"bad_record": True})
    run = sample.ended(sample.sync())
    assert (run["status"], run["fetched"]) == ("failed", 75)


@shows
def killed_run_left_running(sample: Sample, planted: Planted) -> None:
    task = killed_in_the_middle(sample)
    assert sample.ended(sample.sync())["status"] == "success"
    assert [run["status"] for run in sample.runs() if run["task_id"] == task] == ["running"]


@shows
def health_degraded(sample: Sample, planted: Planted) -> None:
    assert "answered 503" in answer(f"{sample.api_url}/healthz")


@shows
def task_id_withheld(sample: Sample, planted: Planted) -> None:
    assert call(f"{sample.api_url}/api/referrals/sync", body={}) == {"status": "queued"}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_shows_and_is_healed(fault: str, sample: Sample) -> None:
    (planted,) = shown_and_healed(sample, SHOWN, fault)
    assert planted.how == "caused"
    assert_as_at_the_start(sample)


def assert_as_at_the_start(sample: Sample) -> None:
    first = sample.runs()[0]
    assert (first["id"], first["status"], first["new_count"], len(table(sample))) == (1, "success", 130, 130)
    assert columns(sample) == ["company_name", "domain", "referral_id", "referral_type", "status"]
    assert sample.rows("select 1 from pg_constraint where conname = 'uq_partner_center_referrals_referral_id'")
    told = sample.platform("status")
    assert told == {
        "api": "up", "worker": "up", "beats": 1, "enabled": True, "seconds": sample.interval, "faults": [],
    }  # fmt: skip
    assert sample.partner("status")["faults"] == {}
    assert log_lines(sample)[0]["event"].startswith("Connected to") and log_lines(sample, "sync_failed") == []


def test_those_of_the_tour_can_be_planted_side_by_side(sample: Sample) -> None:
    for fault in TOUR:
        sample.plant(fault, seed=2)
    assert {*sample.platform("status")["faults"]} == {*TOUR} - {"referral_type_missing_from_view"}
    for fault in reversed(TOUR):  # the first turns the flag, to see it
        SHOWN[fault](sample, Planted.from_json((sample.answers / f"{fault}-2.json").read_text()))
    sample.heal()


def test_an_unknown_fault_names_those_that_there_are(sample: Sample) -> None:
    with pytest.raises(
        SampleError, match="'second_page' is not a fault of the referrals; it has: api_errors_swallowed"
    ):
        sample.plant("second_page")


def test_every_fault_says_what_it_is() -> None:
    assert len(FAULTS) == 21 and FAULTS.keys() == SHOWN.keys() and FAULTS.keys() > set(TOUR)
    assert all(fault.__doc__ for fault in FAULTS.values())
