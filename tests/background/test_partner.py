"""A partner's API that is paged by a link in the body under a name with dots, and that counts by a bare number."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from dsaudit.verdict import Status
from tests.background.referrals import Referrals
from tests.checks.auditing import told
from tests.source.providers import Answer, Asked, serving

pytestmark = pytest.mark.xdist_group("referrals")
PATH = "/v1.0/engagements/referrals"
CHECKS = ["source_missing_in_refined", "refined_missing_at_source", "field_differences", "clocks_agree"]
CHECKS += ["one_refined_row_per_source_id", "syncs_fetched_records"]
PAGING = "{style: link, size_parameter: $top, records: value, next: '@odata.nextLink'}"


@pytest.fixture
def system(new: Callable[..., Referrals]) -> Iterator[Referrals]:
    """The system with its source behind an API; the count of it can be told wrongly."""
    one = new()
    lines = (one.folder / "export" / "referrals.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]

    def answer(asked: Asked) -> Answer:
        url = urlsplit(asked[1])
        given = parse_qs(url.query)
        if url.path == f"{PATH}/$count":
            return 200, {}, str(len(records)).encode()
        if url.path != PATH:
            found = [record for record in records if url.path == f"{PATH}/{record['id']}"]
            return (200, {}, json.dumps(found[0]).encode()) if found else (404, {}, b"{}")
        size, first = int(given["$top"][0]), int(given.get("$skiptoken", ["0"])[0])
        body = {"@odata.count": len(records), "value": records[first : first + size]}
        if first + size < len(records):
            body["@odata.nextLink"] = f"{address}{PATH}?$top={size}&$skiptoken={first + size}"
        return 200, {}, json.dumps(body).encode()

    with serving(answer, set()) as address:
        one.edit(
            f"{{kind: files, folder: {one.folder}/export}}",
            f"{{kind: rest, base_url: '{address}', token_env: PARTNER_TOKEN, page_size: 2, paging: {PAGING}}}",
        )
        one.edit(
            "read: referrals.jsonl", f"read: {PATH[1:]}\n    one: '{PATH[1:]}/{{id}}'\n    count: {PATH[1:]}/$count"
        )
        one.environment["PARTNER_TOKEN"] = "a-token-of-the-partner"
        yield one


@pytest.mark.parametrize("name", CHECKS)
def test_passes_on_a_source_that_is_read_page_by_page(name: str, system: Referrals) -> None:
    verdict, _ = system.check(name)
    assert verdict.status is Status.PASS, told(verdict)
    assert verdict.examined > 0


def test_what_stands_on_a_later_page_is_missed(system: Referrals) -> None:
    system.execute("delete from referrals where referral_id in ('r-4', 'r-5')")
    verdict, rows = system.check("source_missing_in_refined")
    assert verdict.status is Status.FAIL and {row["source_id"] for row in rows} == {"r-4", "r-5"}, told(verdict)
