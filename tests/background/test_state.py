"""The state of the database by itself: domains, the ready view, and the checks of every source without a raw table."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dsaudit.verdict import Status
from tests.background.referrals import Referrals
from tests.checks.auditing import told

pytestmark = pytest.mark.xdist_group("referrals")
DOMAINS, READY = "domains_are_normalised", "ready_view_has_its_columns"
OF_ALL = ["one_refined_row_per_source_id", "source_missing_in_refined", "refined_missing_at_source"]
OF_ALL += ["field_differences", "declared_tables_exist", "declared_columns_exist"]


@pytest.mark.parametrize("name", [DOMAINS, READY, *OF_ALL])
def test_passes_on_odd_and_clean_data(name: str, clean: Referrals) -> None:
    verdict, _ = clean.check(name)
    assert verdict.status is Status.PASS, told(verdict)
    assert verdict.examined > 0


@pytest.mark.parametrize("name", [DOMAINS, READY])
def test_proves_nothing_of_nothing(name: str, new: Callable[..., Referrals]) -> None:
    system = new(empty=True)
    system.execute("alter table referrals add column note text")
    verdict, _ = system.check(name)
    assert verdict.status is Status.INCONCLUSIVE, told(verdict)


@pytest.mark.parametrize(
    ("domain", "kind"),
    [
        ("Contoso.example", "capitals"),
        ("https://contoso.example/de", "scheme, path"),
        ("www.contoso.example", "www"),
        ("contoso.example:443", "port"),
        ("contoso.example.", "trailing dot"),
        ("münchen.example", "not IDNA"),
        ("", "blank"),
        ("n/a", "no domain"),
    ],
)
def test_a_domain_that_is_not_normalised_is_named(domain: str, kind: str, new: Callable[..., Referrals]) -> None:
    system = new()
    system.execute("update referrals set domain = %s where referral_id = 'r-3'", domain)
    verdict, rows = system.check(DOMAINS)
    assert verdict.status is Status.FAIL, told(verdict)
    assert [(row["source_id"], row["field"], row["kind"]) for row in rows] == [("r-3", "domain", kind)]
    assert not domain or domain not in told(verdict).partition("\n")[2]
    different, rows = system.check("field_differences")
    assert different.status is Status.FAIL and [row["source_id"] for row in rows] == ["r-3"], told(different)


VIEW = "create or replace view leads_ready as select referral_id, domain, company_name, {} from referrals"


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("drop view leads_ready", (None, None, "no such view")),
        (
            f"drop view leads_ready; {VIEW.format('status')} where domain is not null",
            ("referral_type", None, "no such column"),
        ),
        (
            VIEW.format("case when referral_id <> 'r-1' then referral_type end as referral_type, status")
            + " where domain is not null",
            ("referral_type", "r-1", "null"),
        ),
        (
            VIEW.format("case referral_id when 'r-1' then 'x' else referral_type end as referral_type, status")
            + " where domain is not null",
            ("referral_type", "r-1", "another value"),
        ),
        (
            "drop view leads_ready; create view leads_ready as select r.* from referrals as r where domain is not null "
            "union all select 0, 'r-9', 'Shared', null, 'x.example', 'New', null, null, now()",
            (None, "r-9", "no such row in the table"),
        ),
    ],
)
def test_what_the_ready_view_lacks_is_named(
    statement: str, row: tuple[str | None, ...], new: Callable[..., Referrals]
) -> None:
    system = new()
    system.execute(statement)
    system.execute("grant select on all tables in schema public to public")
    verdict, rows = system.check(READY)
    assert verdict.status is Status.FAIL, told(verdict)
    assert [(one["column"], one["source_id"], one["kind"]) for one in rows] == [row]


@pytest.mark.parametrize(
    ("statement", "name", "found"),
    [
        ("delete from referrals where referral_id = 'r-2'", "source_missing_in_refined", "r-2"),
        (
            "insert into referrals (referral_id, status, synced_at) values ('r-9', 'New', now())",
            "refined_missing_at_source",
            "r-9",
        ),
        (
            "insert into referrals (referral_id, status, synced_at) values ('r-1', 'New', now())",
            "one_refined_row_per_source_id",
            "r-1",
        ),
        ("update referrals set deal_value = 1 where referral_id = 'r-1'", "field_differences", "deal_value"),
        ("alter table referrals drop column deal_value", "declared_columns_exist", "deal_value"),
        ("alter table sync_runs rename to runs", "declared_tables_exist", "sync_runs"),
    ],
)
def test_checks_of_any_source_work_without_raw_rows_deliveries_and_tenants(
    statement: str, name: str, found: str, new: Callable[..., Referrals]
) -> None:
    system = new()
    system.execute(statement)
    verdict, rows = system.check(name)
    assert verdict.status is Status.FAIL, told(verdict)
    assert any(found in str(row) for row in rows), rows
