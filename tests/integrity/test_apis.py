"""What the API of the discovery serves, judged by each check: clean, with each fault, and when it hardly answers."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dsaudit.facts import served
from dsaudit.parameters import load
from dsaudit.verdict import Status, Verdict
from examples import discovery
from examples.discovery.faults import FAULTS
from examples.discovery.sample import Sample
from examples.discovery.tenants import CLIENTS, ENGAGEMENTS
from tests.checks.auditing import Verdicts, all_rows, opened, told, variables
from tests.integrity.between import Answer, between

pytestmark = pytest.mark.xdist_group("integrity_apis")

CHECKS = (
    *("api_serves_the_rows", "api_values_equal_tables", "endpoints_agree", "errors_have_one_format"),
    "api_isolates_tenants",
)
OF_APIS = ("endpoints_disagree", "error_format_differs", "list_leaves_out_unlinked", "memory_is_rounded")
OF_APIS += ("existence_is_told", "api_ignores_tenant")
Change = Callable[[Answer], Answer]


@pytest.fixture(scope="module")
def sample() -> Iterator[Sample]:
    with discovery.running(size=80) as one:
        one.parameters.write_text(asking(one, sample=3, rate=1000), encoding="utf-8")
        yield one


def asking(sample: Sample, /, **options: Any) -> str:
    """The sample's file, in which the API is asked otherwise."""
    names = "|".join(["sample", "rate", *options])
    text = re.sub(rf"\n  ({names}): \d+", "", sample.parameters.read_text(encoding="utf-8"))
    given = "".join(f"  {name}: {value}\n" for name, value in options.items())
    return text.replace("  endpoints:\n", f"{given}  endpoints:\n")


def own_file(sample: Sample, folder: Path, /, **options: Any) -> Path:
    """A file of a test's own."""
    path = folder / "parameters" / "discovery.yml"
    path.parent.mkdir(exist_ok=True)
    (folder / "notebooks").mkdir(exist_ok=True)
    path.write_text(asking(sample, **options), encoding="utf-8")
    return path


def judged(sample: Sample, path: Path | None = None, api: str = "", checks: tuple[str, ...] = CHECKS) -> Verdicts:
    environment = sample.environment | ({"DISCOVERY_API": api} if api else {})
    with opened(path or sample.parameters, environment) as audit:
        return {name: audit.check(name) for name in checks}


def reasons(verdict: Verdict) -> str:
    return " ".join(result.reason or "" for result in verdict.results)


def assert_silent(sample: Sample, found: Verdicts, address: str) -> None:
    """No secret and no address in anything that is displayed."""
    text = json.dumps([one.to_json() for one in found.values()], default=str)
    for secret in (sample.environment["DISCOVERY_API_TOKEN"], address, address.partition("//")[2]):
        assert secret not in text


def test_each_check_passes_on_the_clean_sample(sample: Sample) -> None:
    found = judged(sample)
    for name, verdict in found.items():
        assert verdict.status is Status.PASS, told(verdict)
        assert verdict.examined > 0 and verdict.instant == "now", name
    scopes = {(one.scope["tenant"], one.scope["resource"]) for one in found["api_serves_the_rows"].results}
    assert len(scopes) == 10
    assert_silent(sample, found, sample.api_url)


@pytest.mark.parametrize("fault", OF_APIS)
def test_a_fault_is_found_with_its_rows_and_no_other_check_fails(fault: str, sample: Sample) -> None:
    try:
        planted = sample.plant(fault)
        with opened(sample.parameters, sample.environment) as audit:
            found = {name: audit.check(name) for name in CHECKS}
            rows = {name: all_rows(audit, verdict) for name, verdict in found.items()}
    finally:
        sample.heal()
    for expected in planted.must:
        (result,) = [one for one in found[expected.check].results if expected.scope.items() <= one.scope.items()]
        assert result.status is Status.FAIL, told(found[expected.check])
        own = [row for row in rows[expected.check] if expected.scope.items() <= row.items()]
        named = {str(value) for row in own for name, value in row.items() if name in ("source_id", "endpoint")}
        assert set(expected.keys) <= named
        assert {row["field"] for row in own if expected.fields} == set(expected.fields)
        if expected.keys and own[0].get("source_id") in expected.keys:
            assert {row["source_id"] for row in own} == set(expected.keys)
    others = {name for name, one in found.items() if one.status is not Status.PASS}
    assert others <= {one.check for one in planted.must} | set(planted.may), [told(found[one]) for one in others]


def test_every_check_has_a_fault() -> None:
    assert set(OF_APIS) <= set(FAULTS)


def test_what_is_displayed_is_masked(sample: Sample) -> None:
    def shouting(answer: Answer) -> Answer:
        return replace(answer, body=answer.body.replace(b'"name": "host', b'"name": "HOST'))

    with between(sample.api_url, shouting) as api:
        verdict = judged(sample, api=api, checks=("api_values_equal_tables",))["api_values_equal_tables"]
    assert verdict.status is Status.FAIL
    assert "letter case" in str(verdict.rows) and "HOST" not in str(verdict.rows) and "host" not in str(verdict.rows)


def test_an_api_that_believes_one_header_alone_is_found(sample: Sample) -> None:
    clients = {one.engagement_id: one.client_account_id for one in ENGAGEMENTS}

    def believing(headers: dict[str, str]) -> dict[str, str]:
        own = headers.get("x-client-account-id")
        return (
            {**headers, "x-client-account-id": clients.get(headers.get("x-engagement-id", ""), own)} if own else headers
        )

    with (
        between(sample.api_url, lambda answer: answer, believing) as api,
        opened(sample.parameters, sample.environment | {"DISCOVERY_API": api}) as audit,
    ):
        found = {name: audit.check(name) for name in CHECKS}
        rows = all_rows(audit, found["api_isolates_tenants"])
    assert {name for name, one in found.items() if one.status is Status.FAIL} == {"api_isolates_tenants"}
    assert {(row["way"], row["problem"]) for row in rows} == {("under headers that contradict each other", "given")}
    assert {row["tenant"] for row in rows} == set(CLIENTS)


def test_what_changes_with_each_refusal_is_no_difference(sample: Sample) -> None:
    numbers = itertools.count()

    def numbered(answer: Answer) -> Answer:
        if answer.status < 400:
            return answer
        body = json.loads(answer.body)
        body["error"]["request"] = next(numbers)
        return replace(answer, body=json.dumps(body).encode())

    with between(sample.api_url, numbered) as api:
        found = judged(sample, api=api, checks=("api_isolates_tenants", "errors_have_one_format"))
    for verdict in found.values():
        assert verdict.status is Status.PASS, told(verdict)


# An API that hardly answers


def test_an_api_that_is_away_proves_nothing(sample: Sample) -> None:
    with between(sample.api_url, lambda answer: answer) as api:
        pass  # nobody is there any more
    found = judged(sample, api=api)
    for verdict in found.values():
        assert verdict.status is Status.INCONCLUSIVE, told(verdict)
        assert "the API does not answer within 10 s" in reasons(verdict) and "ConnectError" in reasons(verdict)
    assert_silent(sample, found, api)


def test_an_api_without_an_address_proves_nothing(sample: Sample) -> None:
    with variables({"DISCOVERY_API": ""}):
        environment = {name: value for name, value in sample.environment.items() if name != "DISCOVERY_API"}
        with opened(sample.parameters, environment) as audit:
            verdict = audit.check("endpoints_agree")
            frame = audit.frame("endpoints")
    assert verdict.status is Status.INCONCLUSIVE and "DISCOVERY_API is not set" in reasons(verdict)
    assert "DISCOVERY_API is not set" in str(frame["problem"][0])


def test_a_slow_api_proves_nothing(sample: Sample, tmp_path: Path) -> None:
    def slow(answer: Answer) -> Answer:
        time.sleep(1)
        return answer

    with between(sample.api_url, slow) as api:
        found = judged(sample, own_file(sample, tmp_path, wait_seconds=0.2), api)
    for verdict in found.values():
        assert verdict.status is Status.INCONCLUSIVE, told(verdict)
        assert "does not answer within 200 ms" in reasons(verdict)


@pytest.mark.parametrize(
    ("status", "body", "kind", "problem"),
    [
        (200, b"<!doctype html><title>Sign in</title>", "text/html", "answers 200, but not with JSON"),
        (200, b"{}", "application/json", "there is no list of records at data"),
        (200, b'{"data": []}', "application/json", "there is no number of records at meta.total"),
        (502, b"<h1>Bad gateway</h1>", "text/html", "still answers 502 after 2 tries"),
        (302, b"", "text/html", "answers with a redirect"),
    ],
)
def test_an_api_that_answers_something_else_proves_nothing(
    status: int, body: bytes, kind: str, problem: str, sample: Sample
) -> None:
    with between(sample.api_url, lambda answer: Answer(answer.path, status, body, kind)) as api:
        found = judged(sample, api=api)
    for name, verdict in found.items():
        assert verdict.status is Status.INCONCLUSIVE, told(verdict)
        assert problem in reasons(verdict), name
    assert_silent(sample, found, api)


def test_a_list_that_pages_wrongly_is_found(sample: Sample, tmp_path: Path) -> None:
    """The second page is the first one again."""
    first: dict[str, Answer] = {}

    def stuck(answer: Answer) -> Answer:
        path, _, query = answer.path.partition("?")
        if path.endswith("/assets") and "page=" in query and "_id=" not in query and answer.status == 200:
            body = json.loads(answer.body)
            if body["meta"]["page"] == 1:
                first[path] = answer
            return first[path] if body["data"] else answer
        return answer

    with (
        between(sample.api_url, stuck) as api,
        opened(
            own_file(sample, tmp_path, sample=1, page_size=10, rate=1000), sample.environment | {"DISCOVERY_API": api}
        ) as audit,
    ):
        verdict = audit.check("api_serves_the_rows")
        problems = {str(row["problem"]) for row in all_rows(audit, verdict)}
    assert {one.scope["resource"] for one in verdict.results if one.status is Status.FAIL} == {"asset"}
    assert "not in the list" in problems and any("times in the list" in one for one in problems)


def test_a_list_without_an_end_is_not_read_for_ever(sample: Sample, tmp_path: Path) -> None:
    def endless(answer: Answer) -> Answer:
        if answer.path.partition("?")[0].endswith("/assets") and answer.status == 200:
            body = json.loads(answer.body)
            again = body["data"] or [{"id": "0"}] * 20
            return replace(answer, body=json.dumps({"data": again, "meta": {"total": 10**9}}).encode())
        return answer

    with (
        between(sample.api_url, endless) as api,
        opened(
            own_file(sample, tmp_path, sample=1, page_size=20, rate=1000), sample.environment | {"DISCOVERY_API": api}
        ) as audit,
    ):
        verdict = audit.check("api_serves_the_rows")
        assert audit.kept["served"].api.requests < 400
    assert verdict.status is Status.FAIL


def test_what_changes_meanwhile_is_looked_at_again(sample: Sample) -> None:
    """A row that comes after the tables were read and before the list is would be one that nobody has."""
    imported: list[Any] = []

    def busy(answer: Answer) -> Answer:
        if not imported and "/data-imports?" in answer.path and answer.status == 200:
            imported.append(sample.import_records([{"name": "meanwhile"}]))
            body = json.loads(answer.body)
            body["data"].append({"id": imported[0]["id"]})
            body["meta"]["total"] += 1
            return replace(answer, body=json.dumps(body).encode())
        return answer

    try:
        with between(sample.api_url, busy) as api:
            found = judged(sample, api=api, checks=CHECKS[:3])
    finally:
        sample.heal()
    assert imported
    for verdict in found.values():
        assert verdict.status is Status.PASS and not verdict.limits, told(verdict)


def test_a_system_that_never_stands_still_is_not_called_wrong(sample: Sample) -> None:
    def busy(answer: Answer) -> Answer:
        if "/data-imports?" in answer.path and answer.status == 200:
            sample.change(3)
        return answer

    try:
        with between(sample.api_url, busy) as api:
            found = judged(sample, api=api, checks=CHECKS[:3])
    finally:
        sample.heal()
    for verdict in found.values():
        assert verdict.status in (Status.PASS, Status.INCONCLUSIVE), told(verdict)
        assert any("rows changed during each of 3 looks" in limit for limit in verdict.limits)


def test_no_rows_prove_nothing(sample: Sample) -> None:
    try:
        with sample.owner() as connection:
            connection.execute("truncate crewai_flow_state_extensions cascade")
        found = judged(sample)
    finally:
        sample.heal()
    for verdict in found.values():
        assert verdict.status is Status.INCONCLUSIVE, told(verdict)


def test_what_is_too_much_is_read_in_part_and_said_so(sample: Sample, tmp_path: Path) -> None:
    path = own_file(sample, tmp_path, sample=2, most_records=5, page_size=5, rate=1000)
    found = judged(sample, path)
    for verdict in found.values():
        assert verdict.status is Status.PASS, told(verdict)
    limits = found["api_serves_the_rows"].limits
    for left_out in ("discovery-flows, in the list", "discovery-flows, by id", "data_import_id}/records, the lists"):
        assert any(left_out in limit for limit in limits), limits


def test_no_more_requests_are_made_than_the_file_lets(sample: Sample, tmp_path: Path) -> None:
    verdict = judged(sample, own_file(sample, tmp_path, most_requests=10))["endpoints_agree"]
    assert verdict.status is Status.INCONCLUSIVE and "apis.most_requests" in reasons(verdict)


def test_a_narrowed_audit_asks_as_one_of_its_tenants_alone(sample: Sample) -> None:
    with opened(sample.parameters, sample.environment, tenants=["borealis"]) as audit:
        verdicts = {name: audit.check(name) for name in CHECKS}
    assert {one.scope["tenant"] for one in verdicts["api_isolates_tenants"].results} == {"borealis"}
    assert verdicts["api_isolates_tenants"].status is Status.PASS
    assert verdicts["errors_have_one_format"].status is Status.SKIPPED


# What `dsaudit check` says


def ways(sample: Sample, path: Path, **environment: str) -> list[tuple[tuple[str, ...], bool | None, str]]:
    with variables({**sample.environment, **environment}):
        return list(served.ways(load(path)))


def test_check_says_that_the_api_answers_or_does_not(sample: Sample, tmp_path: Path) -> None:
    ((keys, ok, words),) = ways(sample, sample.parameters)
    assert (keys, ok) == (("apis",), True)
    assert words == "5 endpoints; master-flows answers 401 to who has neither token nor tenant"
    ((keys, ok, words),) = ways(sample, sample.parameters, DISCOVERY_API="http://127.0.0.1:9")
    assert (keys, ok) == (("apis", "url_env"), False) and "127.0.0.1" not in words
    assert words.startswith("the API does not answer: master-flows: no answer (Connect")
    ((keys, ok, words),) = ways(sample, sample.parameters, DISCOVERY_API_TOKEN="")
    assert ok is False and "DISCOVERY_API_TOKEN is not set" in words
    ((keys, ok, words),) = ways(sample, sample.parameters, DISCOVERY_API_TOKEN="another")
    assert (keys, ok) == (("apis", "token_env"), False) and "another" not in words and "401 to the token" in words
    path = own_file(sample, tmp_path)
    path.write_text(path.read_text().replace("path: api/v1", "path: api/v2"), encoding="utf-8")
    ((keys, ok, words),) = ways(sample, path)
    assert (keys, ok) == (("apis", "path"), False) and "404" in words
