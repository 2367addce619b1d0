"""The app syncs as its contract says: once, whole, one at a time, and whatever the partner does."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dsaudit.attached import free_port
from examples.control import SampleError, call, poll
from examples.referrals.processes import BACKEND, start_api
from examples.referrals.sample import Sample
from tests.referrals.conftest import INTERVAL
from tests.referrals.reading import DUPLICATES, answer, killed_in_the_middle, lines_of, log_lines, table

pytestmark = pytest.mark.xdist_group("referrals_app")

# What people typed, and the domain that it names.
DOMAINS = {
    "HTTPS://WWW.Contoso.example/de?x=1": "contoso.example",
    "www.contoso.example/fr": "contoso.example",
    "contact.fabrikam.example.": "contact.fabrikam.example",
    "münchen.example": "xn--mnchen-3ya.example",
    "https://www.MÜNCHEN-druck.example:8443/start#oben": "xn--mnchen-druck-dlb.example",
    "  obrien-sons.example  ": "obrien-sons.example",
    "https://nour.example?lang=ar": "nour.example",
    "ftp://share.tailspin.example/pub": "share.tailspin.example",
}
ENDS = {"source", "duration", "env", "feature_flag_state", "new", "updated", "skipped", "task_id", "timestamp", "level"}


def the_end(sample: Sample, task: str) -> dict[str, Any]:
    """The one line that ends a sync, which says all that such a line has to say."""
    ends = log_lines(sample, "sync_completed", "sync_failed", "sync_skipped")
    (line,) = [line for line in ends if line["task_id"] == task]
    assert line.keys() >= ENDS
    return line


COUNTS = ("trigger", "status", "fetched", "pages", "new_count", "failed_count")


def test_the_first_sync_came_by_itself_and_took_everything(sample: Sample) -> None:
    first = sample.runs()[0]
    assert [first[name] for name in COUNTS] == ["beat", "success", 130, 6, 130, 0]
    assert {row["referral_id"] for row in table(sample)} == {one["id"] for one in sample.partner("records")}


def test_one_record_that_nobody_can_take_is_told_and_stops_nothing(sample: Sample) -> None:
    sample.platform("partner", {"bad_record": True})
    run = sample.ended(sample.sync())
    sample.platform("partner", {"bad_record": None})
    assert [run[name] for name in COUNTS] == ["api", "success", 131, 6, 0, 1]
    lines = [line for line in log_lines(sample, "record_failed") if line["task_id"] == run["task_id"]]
    assert [line["level"] for line in lines] == ["warning"]
    assert lines[0]["referral_id"] not in {row["referral_id"] for row in table(sample)}


def test_what_is_stored_is_what_the_partner_has(sample: Sample) -> None:
    source = {one["id"]: one for one in sample.partner("records")}
    rows = table(sample)
    for row in rows:
        one = source[row["referral_id"]]
        stored = (row["referral_type"], row["company_name"], row["status"], row["currency"])
        assert stored == (one["type"], one["customerProfile"]["name"], one["status"], one["details"]["currency"])
        assert row["source_created_at"].isoformat(timespec="milliseconds")[:23] == one["createdDateTime"][:23]
    amounts = {str(row["deal_value"]) for row in rows}
    assert {"98765432109876.5432", "1250.1250", "98000.0000", "0.0100", "None"} <= amounts


def test_domains_are_normalised(sample: Sample) -> None:
    typed = {one["id"]: one["customerProfile"]["website"] for one in sample.partner("records")}
    stored = {typed[row["referral_id"]]: row["domain"] for row in table(sample)}
    assert {website: stored[website] for website in DOMAINS} == DOMAINS
    assert stored[None] is None


def test_the_view_has_what_is_not_closed_and_has_a_domain(sample: Sample) -> None:
    ready = [tuple(row.values()) for row in sample.rows("select * from leads_ready order by referral_id")]
    rows = sorted(table(sample), key=lambda row: row["referral_id"])
    assert ready == [
        (row["referral_id"], row["domain"], row["company_name"], row["referral_type"], row["status"])
        for row in rows
        if row["domain"] and row["status"] != "Closed"
    ]


def test_a_second_sync_writes_nothing(sample: Sample) -> None:
    before = table(sample)
    run = sample.ended(sample.sync())
    assert (run["trigger"], run["status"], run["skipped_count"]) == ("api", "success", len(before))
    assert run["new_count"] == run["updated_count"] == 0
    assert table(sample) == before


def test_what_changed_is_updated_and_nothing_else(sample: Sample) -> None:
    before = {row["referral_id"]: row for row in table(sample)}
    changed, new = sample.change(5), sample.add(status="New")
    sample.ended(sample.sync())
    after = {row["referral_id"]: row for row in table(sample)}
    assert {key for key in before if before[key] != after[key]} == set(changed)
    assert after.keys() - before.keys() == {new}


def test_beat_never_fires_before_its_interval_has_passed(sample: Sample) -> None:
    sample.scheduled(2)
    sent = [line["timestamp"] for line in log_lines(sample, name="beat") if "Sending due task" in line["event"]]
    times = [datetime.fromisoformat(at) for at in sent]
    assert len(times) > 2
    assert all((late - early).total_seconds() > 0.95 * INTERVAL for early, late in pairwise(times))


def test_two_at_once_write_once(sample: Sample) -> None:
    # A scheduled sync that is under way may take what is added: it counts too.
    before = {run["id"] for run in sample.runs() if run["ended_at"]}
    new = {sample.add() for _ in range(3)}
    runs = [sample.ended(task) for task in [sample.sync(), sample.sync()]]
    assert sum(run["new_count"] for run in sample.runs() if run["ended_at"] and run["id"] not in before) == 3
    assert new <= {row["referral_id"] for row in table(sample)} and sample.rows(DUPLICATES) == []
    first, second = sorted(runs, key=lambda run: run["started_at"])
    assert first["ended_at"] <= second["started_at"]


def test_a_flag_that_is_off_refuses_the_request_and_skips_the_task(sample: Sample) -> None:
    sample.enable(False)
    try:
        assert call(f"{sample.api_url}/healthz")["feature_flag_state"] == "disabled"
        with pytest.raises(SampleError, match=r"answered 400: .*HUNTER_PARTNER_CENTER_ENABLED"):
            sample.sync()
        (run,) = sample.scheduled()
        counts = [run[name] for name in ("fetched", "pages", "new_count", "updated_count", "skipped_count")]
        assert (run["status"], run["feature_flag_state"], counts) == ("skipped", "disabled", [0] * 5)
        assert lines_of(sample, run["task_id"]) == ["sync_skipped"]
        assert the_end(sample, run["task_id"])["reason"].startswith("Partner Center is not enabled")
    finally:
        sample.enable(True)
    assert sample.ended(sample.sync())["status"] == "success"


def test_a_partner_that_refuses_fails_the_sync_and_not_the_worker(sample: Sample) -> None:
    sample.settle()
    sample.refuse(503)
    run = sample.ended(sample.sync())
    sample.refuse(None)
    assert (run["status"], run["error"], run["fetched"]) == ("failed", "Partner Center answered 503", 0)
    line = the_end(sample, run["task_id"])
    assert (line["event"], line["level"], line["error"]) == ("sync_failed", "error", run["error"])
    assert sample.platform("status")["worker"] == "up"
    assert sample.ended(sample.sync())["status"] == "success"


def test_a_refusal_that_passes_is_waited_out(sample: Sample) -> None:
    sample.refuse(429, times=2)
    assert sample.ended(sample.sync())["status"] == "success"
    assert sample.partner("status")["faults"] == {}


def test_a_sync_that_was_killed_is_marked_and_made_up_for(sample: Sample) -> None:
    task = killed_in_the_middle(sample)
    run = sample.ended(task)
    assert (run["status"], run["fetched"]) == ("abandoned", None)
    assert sample.ended(sample.sync())["fetched"] == len(sample.partner("records"))


def test_every_line_of_every_process_is_in_the_one_form(sample: Sample) -> None:
    run = sample.ended(sample.sync())
    assert the_end(sample, run["task_id"])["new"] == 0
    lines = [line for name in ("worker", "beat", "api") for line in log_lines(sample, name=name)]
    assert all(line.keys() >= {"timestamp", "level", "logger", "event"} for line in lines)
    assert run["task_id"] in {line.get("task_id") for line in log_lines(sample, name="api")}


def test_a_task_that_nobody_names_a_trigger_of_is_direct(sample: Sample) -> None:
    from celery import Celery

    with Celery(broker=sample.environment["REFERRALS_BROKER"]) as asking:
        task = asking.send_task("app.core.tasks.sync_partner_center_referrals_task", ignore_result=True).id
    assert sample.ended(task)["trigger"] == "direct"


def test_who_reads_may_not_write(sample: Sample) -> None:
    import psycopg

    with psycopg.connect(sample.environment["REFERRALS_AUDIT_URL"]) as auditor:
        assert auditor.execute("select count(*) from leads_ready").fetchone()[0] > 50
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            auditor.execute("delete from partner_center_referrals")


@pytest.mark.parametrize("action", ["status", "heal", "flag"])
def test_the_platform_does_nothing_without_the_token(action: str, sample: Sample) -> None:
    with pytest.raises(SampleError, match="answered 401"):
        call(f"{sample.platform_url}/{action}", None, None if action == "status" else {}, bearer="another")


def test_without_broker_and_database_the_api_says_what_is_not_there(sample: Sample, tmp_path: Path) -> None:
    closed = free_port()
    variables = {
        "HUNTER_DATABASE_URL": f"postgresql://nobody@127.0.0.1:{closed}/none",
        "HUNTER_BROKER_URL": f"redis://127.0.0.1:{closed}/0",
        "HUNTER_PARTNER_CENTER_URL": sample.partner_url,
        "HUNTER_PARTNER_CENTER_TOKEN": "none",
        "HUNTER_PARTNER_CENTER_ENABLED": "true",
    }
    api = start_api(BACKEND, tmp_path / "api.log", variables)
    try:
        for _ in poll(30, pause=0.05):
            told = answer(f"{api.url}/healthz")
            if "answered 503" in told:
                break
        assert '"database":"not reached","broker":"not reached"' in told
        with pytest.raises(SampleError, match=r"answered 503: .*The broker cannot be reached"):
            call(f"{api.url}/api/referrals/sync", body={})
    finally:
        api.stop()
