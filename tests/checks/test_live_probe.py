"""What is done at the source when a run is asked to: a record made, changed and deleted, and seen to arrive or not."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from dsaudit import source
from dsaudit.checks import all_checks
from dsaudit.checks.planning import plan_check
from dsaudit.clock import Offset
from dsaudit.database import QueryError
from dsaudit.handoff import LEFT
from dsaudit.live import STEPS, probe
from dsaudit.live.changing import Changer
from dsaudit.live.steps import Look, Looker
from dsaudit.parameters import Part, load, narrowed
from dsaudit.probes import MARK
from dsaudit.run import Options, run
from dsaudit.source import Recording
from dsaudit.verdict import Status
from examples.control import poll
from examples.storefront.faults import LIVE_FAULTS
from tests.checks.auditing import all_rows, opened, told, variables
from tests.checks.receiver import Receiver, receiving
from tests.command_lines import DSAUDIT
from tests.faults.library import KINDS

pytestmark = pytest.mark.xdist_group("live_probe")  # one clone for all of them
CHECK, AGAIN = "live_changes_arrive", "redelivered_changes_nothing"
# The checks that would see what a probe leaves in the tables.
AFTERWARDS = [
    "consecutive_duplicate_hashes", "deliveries_stored_twice", "refined_built_from_newest",
    "raw_missing_in_refined", "source_missing_in_refined", "refined_missing_at_source", "field_differences",
]  # fmt: skip


@pytest.fixture(scope="module")
def shop(sample: Any) -> Iterator[Any]:
    """A clone in which changes are made, with a short patience, so that the tests of what does not come are short."""
    with sample.clone() as clone:
        edit(clone.parameters, "policy: {", "policy: {latency_seconds: 2, ")
        edit(clone.parameters, "  shown_in: note\n", "  shown_in: note\n  wait_seconds: 2.2\n")
        yield clone


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def customers(shop: Any) -> int:
    """Return how many customers the source has."""
    headers = {"X-Shopify-Access-Token": shop.environment["STOREFRONT_TOKEN"]}
    address = f"{shop.source_url}/acme.myshopify.example/admin/api/2026-07/customers/count.json"
    return int(httpx.get(address, headers=headers).json()["count"])


def heal(shop: Any) -> None:
    """Switch all faults off, and let what waited come to rest."""
    at_source, in_backend = shop.switches()
    shop.source_control("faults", dict.fromkeys(at_source))
    shop.backend_control("faults", dict.fromkeys(in_backend))
    shop.settle()


def test_without_being_asked_it_does_nothing_and_says_how_to_ask() -> None:
    planned = plan_check(all_checks()[CHECK], load("parameters/sample.yml"))
    assert planned.skipped and "--live" in planned.skipped and "live=True" in planned.skipped
    assert plan_check(all_checks()[CHECK], load("parameters/sample.yml").allowed_to_act()).skipped is None


def test_changes_that_arrive_pass_and_leave_nothing_behind(shop: Any) -> None:
    before = customers(shop)
    with opened(shop.parameters, shop.environment, live=True) as one:
        verdict, again = one.check(CHECK), one.check(AGAIN)
        table, times = one.table("live_steps"), one.frame("live_times")
        assert verdict.status is Status.PASS, told(verdict)
        assert again.status is Status.PASS and again.examined == 3, told(again)
        assert not (one.private / LEFT).exists()
    assert table.columns[0]["name"] == "action" and [row[0] for row in table.rows] == [
        "create", "update", "update twice", "duplicate", "out of order", "delete",
    ]  # fmt: skip
    assert [*times[times["action"] == "update twice"]["step"]] == [*STEPS]
    sent_again = times["action"].isin(["duplicate", "out of order"])
    assert list(times[sent_again]["still"]) == [False, True, True, False, True]
    assert verdict.examined == len(times) - 4 - 5 == 18, "the provider's own answers are not judged"
    assert times["seconds"].notna().all() and times["seen_at"].is_monotonic_increasing
    assert customers(shop) == before
    with opened(shop.parameters, shop.environment, resources=["customer"]) as one:
        assert one.frame("live_times").empty, "of another audit"
        assert one.source.index
        found = {name: one.check(name) for name in AFTERWARDS}
    assert [told(verdict) for verdict in found.values() if verdict.status is not Status.PASS] == []


@pytest.mark.parametrize("fault", sorted(name for name in LIVE_FAULTS if name.startswith("live_")))
def test_a_fault_is_found_at_its_step_of_its_action(fault: str, shop: Any) -> None:
    before = customers(shop)
    planted = shop.plant(fault)
    assert planted.mode == KINDS[f"storefront/{fault}"].mode
    try:
        with opened(shop.parameters, shop.environment, live=True) as one:
            verdicts = {name: one.check(name) for name in (CHECK, AGAIN)}
            (check,) = {expected.check for expected in planted.must}
            verdict = verdicts.pop(check)
            rows = all_rows(one, verdict)
        assert customers(shop) == before
    finally:
        heal(shop)
    wanted = {expected.scope["action"]: expected.keys for expected in planted.must}
    (other,) = verdicts.values()
    is_done = check == AGAIN or "delete" in wanted  # what comes before it was seen
    assert other.status is (Status.PASS if is_done else Status.INCONCLUSIVE), told(other)
    assert verdict.status is Status.FAIL, told(verdict)
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(str(row["action"]), []).append(str(row["step"]))
    assert found == wanted
    roots = {(row["action"], row["step"]) for row in rows if row.get("held_up_by") is None}
    assert roots == {(action, steps[0]) for action, steps in wanted.items()}


def test_without_the_secret_nothing_is_sent_again(shop: Any) -> None:
    edit(shop.parameters, "probe: {secret_env: STOREFRONT_WEBHOOK_SECRET, valid: true}", "probe: {}")
    try:
        with opened(shop.parameters, shop.environment, live=True) as one:
            verdict, again = one.check(CHECK), one.check(AGAIN)
            table = one.table("live_steps")
    finally:
        edit(shop.parameters, "probe: {}", "probe: {secret_env: STOREFRONT_WEBHOOK_SECRET, valid: true}")
    assert verdict.status is Status.PASS, told(verdict)
    assert again.status is Status.SKIPPED and "webhooks.probe.secret_env" in told(again)
    assert [row[0] for row in table.rows] == ["create", "update", "update twice", "delete"]


@pytest.mark.parametrize(
    ("status", "words"), [(401, "answered 401; is the secret"), (200, "it was answered as taken, and not")]
)
def test_what_nobody_took_proves_nothing(status: int, words: str, shop: Any) -> None:
    with receiving(Receiver(forged=status)) as receiver:
        edit(shop.parameters, "probe: {secret_env", f"probe: {{url: '{receiver.url}', secret_env")
        try:
            with opened(shop.parameters, shop.environment, live=True) as one:
                again, verdict = one.check(AGAIN), one.check(CHECK)
        finally:
            edit(shop.parameters, f"probe: {{url: '{receiver.url}', secret_env", "probe: {secret_env")
    assert again.status is Status.INCONCLUSIVE and again.examined == 0, told(again)
    assert f"duplicate, row: {words}" in told(again) and f"out of order, row: {words}" in told(again)
    assert verdict.status is Status.PASS, told(verdict)
    first, second, *_ = [headers["x-shopify-webhook-id"] for headers, _, _ in receiver.came]
    assert MARK not in first and second.startswith(MARK)


def test_a_token_that_only_reads_makes_nothing_and_accuses_nobody(shop: Any) -> None:
    before = customers(shop)
    reading = {**shop.environment, "STOREFRONT_WRITE_TOKEN": shop.environment["STOREFRONT_TOKEN"]}
    with opened(shop.parameters, reading, live=True) as one:
        verdict = one.check(CHECK)
        assert not (one.private / LEFT).exists()
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert "POST admin/api/2026-07/customers.json: refused with 403" in told(verdict)
    assert customers(shop) == before


def test_what_cannot_be_deleted_is_named(shop: Any, tmp_path: Path) -> None:
    (tmp_path / "parameters").mkdir()
    path = tmp_path / "parameters" / "sample.yml"
    text = shop.parameters.read_text(encoding="utf-8").replace("examples/", f"{shop.copy}/examples/")
    path.write_text(text, encoding="utf-8")
    edit(path, 'delete: {method: DELETE, path: "admin/api/2026-07/customers/{id}.json"}',
         'delete: {method: DELETE, path: "admin/api/2026-07/nowhere/{id}.json"}')  # fmt: skip
    before = customers(shop)
    with opened(path, shop.environment, live=True) as one:
        verdict = one.check(CHECK)
        left = json.loads((one.private / LEFT).read_text(encoding="utf-8"))
    (tenant_id,) = [int(word) for word in left["what"].replace(":", " ").split() if word.isdecimal()]
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert f"to be deleted by hand: customer {tenant_id} of acme" in told(verdict)
    assert customers(shop) == before + 1
    assert ": not deleted, as " in left["what"] and shop.environment["STOREFRONT_WRITE_TOKEN"] not in left["what"]
    command = left["what"].split("`")[1]  # with the file's path, which is not the right one here
    assert command.startswith("curl ") and f"/nowhere/{tenant_id}.json" in command
    surroundings = {**shop.environment, "PATH": os.environ["PATH"]}
    subprocess.run(["sh", "-c", command.replace("nowhere", "customers")], env=surroundings, check=True)
    assert customers(shop) == before
    shop.settle()


def test_a_change_that_did_not_come_is_the_last(shop: Any) -> None:
    before = customers(shop)
    shop.plant("live_updates_undelivered")
    try:
        with opened(shop.parameters, shop.environment, live=True) as one:
            verdict, table = one.check(CHECK), one.table("live_steps")
    finally:
        heal(shop)
    assert verdict.status is Status.FAIL, told(verdict)
    assert [row[0] for row in table.rows] == ["create", "update"]
    assert any(
        "update twice, duplicate, out of order, delete: not done, as webhook" in limit for limit in verdict.limits
    ), verdict.limits
    assert customers(shop) == before


def test_a_database_that_does_not_answer_a_look_accuses_nobody(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before, looks, real = customers(shop), itertools.count(), Looker.look

    def look(self: Looker) -> Look:
        if next(looks) == 0:
            raise QueryError("canceling statement due to statement timeout")
        return real(self)

    monkeypatch.setattr(Looker, "look", look)
    with opened(shop.parameters, shop.environment, live=True) as one:
        verdict, table = one.check(CHECK), one.table("live_steps")
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert "create, row: nobody looked to the end: canceling statement" in told(verdict)
    assert set(table.rows[0][2:]) <= {"unknown", "–"}
    assert customers(shop) == before


def test_a_sync_that_runs_beside_accuses_nobody(shop: Any) -> None:
    """The deliveries come after a sync has stored the same, and are dropped as known."""
    over = threading.Event()

    def sync_always() -> None:
        while not over.is_set():
            shop.sync("acme.myshopify.example", resources=["customers"])

    syncing = threading.Thread(target=sync_always)
    syncing.start()
    try:
        with opened(shop.parameters, shop.environment, live=True) as one:
            verdict = one.check(CHECK)
    finally:
        over.set()
        syncing.join()
        heal(shop)
    assert verdict.status in (Status.PASS, Status.INCONCLUSIVE), told(verdict)
    assert verdict.status is Status.PASS or "a sync brought the change first" in told(verdict)


def test_two_updates_of_two_seconds_are_not_told_to_be_of_one(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Changer.update

    def update(self: Changer, mark: str) -> datetime | None:
        if mark.endswith("-4"):  # the second of the two
            time.sleep(0.7)
        return real(self, mark)

    monkeypatch.setattr(Changer, "update", update)
    monkeypatch.setattr(Recording, "offsets", {"source, here": Offset(0.5, 0.5)})  # so they begin at a half second
    with opened(shop.parameters, shop.environment, live=True) as one:
        assert one.source.index
        verdict = one.check(CHECK)
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert "the two updates were not within one second: the source dates them" in told(verdict)


class _Pressed(Exception):
    """Stands for whatever ends a probe while it waits."""


@pytest.mark.parametrize("end", [KeyboardInterrupt, _Pressed])
def test_whatever_ends_it_the_record_is_deleted(shop: Any, end: type[BaseException]) -> None:
    before = customers(shop)

    def ends(line: str) -> None:
        raise end

    shop.plant("live_refinement_off")
    try:
        with opened(shop.parameters, shop.environment, live=True) as one, pytest.raises(end):
            probe(one, ends)
        assert not (one.private / LEFT).exists()
        assert customers(shop) == before
    finally:
        heal(shop)


def test_a_run_keeps_what_it_saw_and_a_replay_says_the_same_and_asks_nobody(shop: Any, tmp_path: Path) -> None:
    options = Options(phases=["6"], checks=[CHECK], out=tmp_path)
    with variables(shop.environment):
        parameters = narrowed(load(shop.parameters), Part.given(resources=["customer"]))
        first = run(parameters.allowed_to_act(), options, source.record, lambda line: None)
        sent = shop.source_control("status")["deliveries"]
        assert source.has_acted(first.folder)
        again = run(parameters.allowed_to_act(), options, source.replay(first.folder), lambda line: None)
    (one,), (other,) = first.result["verdicts"], again.result["verdicts"]
    assert one["status"] == other["status"] == "pass", one
    assert one["results"] == other["results"]
    assert shop.source_control("status")["deliveries"] == sent
    page = next((again.folder / "phases").glob("06_realtime.ipynb")).read_text(encoding="utf-8")
    assert "update twice" in page and "image/png" in page


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_or_killed_deletes_what_it_made(shop: Any, tmp_path: Path, how: signal.Signals) -> None:
    before = customers(shop)
    shop.plant("live_refinement_off")
    edit(shop.parameters, "wait_seconds: 2.2", "wait_seconds: 60")
    command = [*DSAUDIT, "run", str(shop.parameters)]
    running = subprocess.Popen(
        [*command, "--live", "--resource", "customer", "--phase", "6", "--check", CHECK, "--out", str(tmp_path)],
        env={**os.environ, **shop.environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for _ in poll(180, 0.1):
            made = [path for path in tmp_path.rglob(LEFT) if any(word.isdecimal() for word in path.read_text().split())]
            if made or running.poll() is not None:
                break
        assert made, running.communicate()[1]
        time.sleep(0.5)
        assert customers(shop) == before + 1
        running.send_signal(how)
        said = running.communicate(timeout=60)[1]
        if how is signal.SIGINT:
            assert said.strip().splitlines()[-1].startswith("stopped; go on with: ") and running.returncode == 3
        for _ in poll(0 if how is signal.SIGINT else 10, 0.1):
            if not list(tmp_path.rglob(LEFT)):
                break
        assert customers(shop) == before
        assert list(tmp_path.rglob(LEFT)) == []
    finally:
        running.kill()
        edit(shop.parameters, "wait_seconds: 60", "wait_seconds: 2.2")
        heal(shop)
