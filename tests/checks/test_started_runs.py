"""What is concluded from the answer to a started sync and from the table of runs: no accusation for what is ours."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dsaudit.checks import all_checks
from dsaudit.checks.planning import NOT_IN_PART, plan_check
from dsaudit.facts import started_syncs
from dsaudit.parameters import ParameterError, Part, load, narrowed
from dsaudit.source.recording import STARTED
from dsaudit.verdict import Status, Verdict
from tests.checks.auditing import all_rows, opened, told
from tests.ledger import Ledger

CHECK = "syncs_started_now_complete"
Act = Callable[[str, str], int]  # the organisation's id and the job that is asked for: what is done, and the answer


class Endpoint:
    """The integration's endpoint for syncs: it does what a test says, and keeps what it was asked for."""

    def __init__(self) -> None:
        self.act: Act = lambda org, job: 202
        self.asked: list[tuple[str, str]] = []
        own = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                _, org, job = self.path.split("/")
                own.asked.append((org, job))
                self.send_response(own.act(org, job))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    one = Endpoint()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def books(new_ledger: Callable[..., Ledger], endpoint: Endpoint) -> Ledger:
    """The ledger, whose syncs an audit may start at the endpoint."""
    ledger = new_ledger()
    run = f'run: {{url: "{endpoint.url}/{{id}}/{{resource}}", wait_seconds: 0.6}}'
    ledger.edit("parameters/ledger.yml", "  table: ledger.job_run\n", f"  table: ledger.job_run\n  {run}\n")
    return ledger


def recorded(
    ledger: Ledger, status: int = 202, began: str = "now()", ended: str = "now()", trouble: str = "null"
) -> Act:
    """Return what records a run of what is asked for."""

    def act(org: str, job: str) -> int:
        values = f"%s, %s, {began}, {ended}, 3, 1, null, {trouble}"
        ledger.execute(f"insert into ledger.job_run values ({values})", org, job)
        return status

    return act


def judged(ledger: Ledger, **part: Any) -> tuple[Verdict, dict[str, str], dict[str, str]]:
    """Return the verdict, and outcome and reason of member of north and of invoice of south, by tenant."""
    with opened(ledger.parameters, ledger.environment, live=True, **part) as audit:
        verdict = audit.check(CHECK)
        frame = audit.frame("syncs_started_now")
        assert len(all_rows(audit, verdict)) == sum(frame["outcome"].isin(["failed", "refused", "silent"]))
    keys = [f"{one.tenant} {one.resource}" for one in frame.itertuples()]
    return verdict, dict(zip(keys, frame["outcome"], strict=True)), dict(zip(keys, frame["told"], strict=True))


def under_way(ledger: Ledger) -> None:
    """Have a run in the table that has not ended, as one that notes its start has."""
    ledger.execute("insert into ledger.job_run values ('N', 'other', now(), null)")
    ledger.execute("insert into ledger.job_run values ('N', 'member', now() - interval '1 hour', null)")


def test_each_is_asked_for_once_and_its_run_counts(books: Ledger, endpoint: Endpoint) -> None:
    endpoint.act = recorded(books)
    verdict, outcomes, _ = judged(books)
    assert verdict.status is Status.PASS, told(verdict)
    assert sorted(endpoint.asked) == [("N", "invoice"), ("N", "member"), ("S", "invoice"), ("S", "member")]
    assert set(outcomes.values()) == {"completed"} and len(outcomes) == 4


@pytest.mark.parametrize("status", [302, 401, 403, 404, 409, 429, 503])
def test_an_answer_that_may_be_our_fault_or_of_the_moment_accuses_nobody(
    status: int, books: Ledger, endpoint: Endpoint
) -> None:
    endpoint.act = lambda org, job: status
    verdict, outcomes, words = judged(books)
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert set(outcomes.values()) == {"unknown"} and set(words.values()) == {f"answered with {status}"}


def test_an_error_is_a_refusal_and_a_run_with_an_error_has_failed(books: Ledger, endpoint: Endpoint) -> None:
    failing = recorded(books, 500, trouble="'no'")
    endpoint.act = lambda org, job: failing(org, job) if job == "member" else 500
    verdict, outcomes, _ = judged(books)
    assert verdict.status is Status.FAIL, told(verdict)
    assert outcomes == {f"{tenant} {name}": outcome for tenant in ("north", "south")
                        for name, outcome in (("member", "failed"), ("invoice", "refused"))}  # fmt: skip


def test_one_that_is_queued_is_silent_only_where_runs_are_noted_at_their_start(
    books: Ledger, endpoint: Endpoint
) -> None:
    verdict, outcomes, words = judged(books)
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert set(outcomes.values()) == {"unknown"} and "may be waiting" in words["north member"]
    under_way(books)
    verdict, outcomes, _ = judged(books)
    assert verdict.status is Status.FAIL, told(verdict)
    assert set(outcomes.values()) == {"silent"}


def test_a_run_that_is_not_ours_is_not_taken_for_it(books: Ledger, endpoint: Endpoint) -> None:
    endpoint.act = recorded(books, began="now() - interval '5 minutes'", trouble="'no'")  # and noted when it ended
    verdict, outcomes, words = judged(books)
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert set(outcomes.values()) == {"unknown"} and "began earlier" in words["south invoice"]
    good, bad = recorded(books), recorded(books, trouble="'no'", began="clock_timestamp()", ended="clock_timestamp()")
    endpoint.act = lambda org, job: good(org, job) and bad(org, job)
    verdict, outcomes, words = judged(books)
    assert set(outcomes.values()) == {"unknown"} and "2 runs have begun" in words["north member"], words


def test_a_run_without_a_time_of_its_start_does_no_harm(books: Ledger, endpoint: Endpoint) -> None:
    books.execute("insert into ledger.job_run values ('N', 'member', null, null), ('S', 'member', null, now())")
    endpoint.act = recorded(books)
    verdict, _, _ = judged(books)
    assert verdict.status is Status.PASS, told(verdict)


@pytest.mark.parametrize("at_once", [False, True])
def test_resources_with_one_function_are_all_synced(at_once: bool, books: Ledger, endpoint: Endpoint) -> None:
    books.edit("parameters/ledger.yml", "sync: pull_invoices", "sync: pull_members")
    one = recorded(books)
    endpoint.act = lambda org, job: max(one(org, name) for name in (("member", "invoice") if at_once else (job,)))
    verdict, outcomes, _ = judged(books)
    assert verdict.status is Status.PASS, told(verdict)
    assert len(outcomes) == 4 and len(endpoint.asked) == (2 if at_once else 4)


def test_one_that_cannot_be_asked_for_by_itself_is_not_refused(books: Ledger, endpoint: Endpoint) -> None:
    books.edit("parameters/ledger.yml", "sync: pull_invoices", "sync: pull_members")
    one = recorded(books)
    endpoint.act = lambda org, job: one(org, job) if job == "member" else 422
    verdict, outcomes, words = judged(books)
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert outcomes["north member"] == "completed" and outcomes["north invoice"] == "unknown"
    assert words["north invoice"] == "answered with 422"


def test_without_a_source_they_are_started_too_and_a_table_starts_none(books: Ledger, endpoint: Endpoint) -> None:
    endpoint.act = recorded(books)
    text = books.parameters.read_text(encoding="utf-8")
    books.parameters.write_text(re.sub(r"source: \{kind: files.*\n", "", text), encoding="utf-8")
    with opened(books.parameters, books.environment, live=True) as audit:
        assert audit.frame("syncs_started_now").empty and endpoint.asked == []
        verdict = audit.check(CHECK)
        assert len(json.loads((audit.private / "recording" / STARTED).read_text(encoding="utf-8"))) == 4
    assert verdict.status is Status.PASS, told(verdict)


def test_what_would_take_too_long_is_not_started_and_said(
    books: Ledger, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(started_syncs, "LONGEST", 1.0)  # of waits of 0.6 s, one ends within it
    verdict, _, words = judged(books)
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert len(endpoint.asked) == 1 and "not started, as those before it took too long" in words["south invoice"]


def test_what_stands_in_the_address_is_quoted(books: Ledger, endpoint: Endpoint) -> None:
    books.edit("parameters/ledger.yml", "id: N,", "id: 'N/1?x',")
    judged(books)
    assert ("N%2F1%3Fx", "member") in endpoint.asked


def test_a_token_is_sent_over_https_alone_outside_development(books: Ledger, endpoint: Endpoint) -> None:
    books.edit("parameters/ledger.yml", "integration: ledger\n", "integration: ledger\nenvironment: staging\n")
    books.edit("parameters/ledger.yml", "wait_seconds: 0.6", "wait_seconds: 0.6, token_env: TOKEN")
    load(str(books.parameters))  # the token does not leave this machine
    books.edit("parameters/ledger.yml", f'url: "{endpoint.url}/', 'url: "http://acme.example/')
    with pytest.raises(ParameterError, match=r"syncs\.run: outside development a token is sent over https alone"):
        load(str(books.parameters))
    books.edit("parameters/ledger.yml", 'url: "http://acme.example/{id}/{resource}"', "url_env: ADDRESS")
    books.environment.update({"TOKEN": "secret", "ADDRESS": "http://acme.example/sync"})
    verdict, _, words = judged(books)
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)
    assert set(words.values()) == {"outside development a token is sent over https alone"}


def test_of_a_part_what_is_in_it_is_started_and_of_chosen_records_none() -> None:
    parameters, check = load("parameters/sample.yml").allowed_to_act(), all_checks()[CHECK]

    def planned(name: str = CHECK, **part: Any) -> str | None:
        one = narrowed(parameters, Part.given(**part)).allowed_to_act()
        return plan_check(all_checks()[name], one).skipped

    assert plan_check(check, parameters).skipped is None
    assert planned(resources=["order"]) is None and planned(tenants=["borealis"]) is None
    assert planned(sample=5) == planned(since="1d") == NOT_IN_PART
    live = "live_changes_arrive"
    assert planned(live, resources=["order"]) == planned(live, tenants=["borealis"]) == NOT_IN_PART
    assert planned(live, resources=["customer"]) is None and planned(live, sample=5) is None
