"""A list that lacks what the source has under its id is not whole, and nothing that it lacks is called gone."""

from __future__ import annotations

import importlib

import pytest

from dsaudit.verdict import Status
from tests.checks.auditing import all_rows
from tests.parts.shop import Shop, reasons

EXTRA = "refined_missing_at_source"


def test_records_found_by_id_make_the_list_one_that_proves_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("dsaudit.source.second_look"), "MOST", 2)
    for key in range(1, 12):
        shop.put(key)
    shop.unlisted = set(range(6, 12))
    path = shop.file("singly")
    path.write_text(path.read_text(encoding="utf-8").replace(" count: order/count.json,", ""), encoding="utf-8")
    with shop.opened_file(path) as audit:
        verdict = audit.check(EXTRA)
        told = [one for one in verdict.results if one.scope == {"tenant": "acme", "resource": "order"}]
        assert [one.status for one in told] == [Status.INCONCLUSIVE], reasons(verdict)
        assert "its list is not whole" in (told[0].reason or "")
        causes = {str(row["source_id"]): row["cause"] for row in all_rows(audit, verdict) if row["resource"] == "order"}
        assert set(causes) == {str(key) for key in range(6, 12)}
        assert "MISSED_DELETE" not in causes.values()


def test_what_is_gone_under_its_id_too_is_still_an_extra_row(shop: Shop) -> None:
    for key in range(1, 12):
        shop.put(key)
    del shop.records["acme", "order"][11]
    with shop.opened("singly") as audit:
        rows = [row for row in all_rows(audit, audit.check(EXTRA)) if row["resource"] == "order"]
        assert [(row["source_id"], row["cause"]) for row in rows] == [("11", "MISSED_DELETE")]
