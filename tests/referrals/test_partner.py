"""The partner's API lists what its seed makes, page by page, and dsaudit reads it as its parameter file says."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from dsaudit.parameters import Parameters, load
from dsaudit.source import Recording, record
from examples.referrals.sample import Sample

pytestmark = pytest.mark.xdist_group("referrals_partner")

REFERRALS = "/v1.0/engagements/referrals"
KNOWN = ("integration", "environment", "example", "database", "source")


def get(sample: Sample, path: str, token: str | None = None) -> tuple[int, Any]:
    address = path if path.startswith("http") else f"{sample.partner_url}{path}"
    token = token or sample.environment["REFERRALS_PARTNER_TOKEN"]
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_pages_link_to_the_next_and_hold_everything_once(sample: Sample) -> None:
    page, sizes, ids = f"{REFERRALS}?$top=25", [], []
    while page:
        _, body = get(sample, page)
        sizes.append(len(body["value"]))
        ids += [one["id"] for one in body["value"]]
        page = body.get("@odata.nextLink")
    assert sizes == [25, 25, 25, 25, 25, 5] and len(set(ids)) == 130
    assert ids == [one["id"] for one in sample.partner("records")]
    assert get(sample, f"{REFERRALS}/$count") == (200, {"count": 130})


def test_one_is_as_it_is_in_the_list(sample: Sample) -> None:
    one = sample.partner("records")[12]
    assert get(sample, f"{REFERRALS}/{one['id']}") == (200, one)
    assert get(sample, f"{REFERRALS}/nothing")[0] == 404


@pytest.mark.parametrize("path", [REFERRALS, f"{REFERRALS}/$count", f"{REFERRALS}/one"])
def test_without_the_token_nothing_is_told(path: str, sample: Sample) -> None:
    status, body = get(sample, path, "another")
    assert status == 401 and "value" not in body


@pytest.mark.parametrize("query", ["$top=many", "$skiptoken=%2A", "$top=5&$skiptoken=bm9uZQ=="])
def test_a_wrong_query_is_refused(query: str, sample: Sample) -> None:
    assert get(sample, f"{REFERRALS}?{query}")[0] == 400


def test_the_records_are_odd_as_real_ones_are(sample: Sample) -> None:
    records = sample.partner("records")
    assert {one["details"]["currency"] for one in records} >= {"EUR", "JPY", "KWD", None}
    assert {one["createdDateTime"] for one in records} >= {"2024-02-29T23:59:59.999Z", "2025-03-30T01:30:00.000Z"}
    assert {one["status"] for one in records} == {"New", "Active", "Closed"}
    assert sum(one["customerProfile"]["website"] is None for one in records) == 2
    assert all(one["type"] for one in records)
    assert all(one["updatedDateTime"] >= one["createdDateTime"] for one in records)


def parameters(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> Parameters:
    for name, value in sample.environment.items():
        monkeypatch.setenv(name, value)
    return load(sample.parameters)


def test_dsaudit_reads_the_list_whole(sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = parameters(sample, monkeypatch)
    record(declared, tmp_path / "recording")
    recording = Recording(tmp_path / "recording", declared)
    assert recording.problem("all", "referral") is None
    read = [item.source_id for item in recording.items("all", "referral")]
    assert sorted(read) == sorted(one["id"] for one in sample.partner("records"))
    told = recording.index["tenants"]["all"]["resources"]["referral"]
    assert (told["counted"], told["pages"]) == (130, 6)


def test_what_is_added_changed_and_reset_is_told(sample: Sample) -> None:
    before = sample.partner("records")
    changed, added = sample.change(2), sample.add(name="One more")
    after = sample.partner("records")
    assert after[-1]["id"] == added and after[-1]["name"] == "One more"
    assert [new["id"] for old, new in zip(before, after, strict=False) if old != new] == sorted(
        changed, key=[one["id"] for one in before].index
    )
    sample.partner("reset", {})
    assert sample.partner("records") == before
