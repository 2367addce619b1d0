"""What PostgreSQL proves of an invariant, and what the text of a policy binds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from dsaudit.audit import Audit
from dsaudit.facts.invariants import enforced
from dsaudit.facts.tenancy import bound
from dsaudit.verdict import Status
from tests.checks.auditing import opened, told, verdicts
from tests.integrity.system import System

pytestmark = pytest.mark.xdist_group("integrity")

MANY = ", ".join(f"'v{number}'" for number in range(150))
TABLE = f"""
create type color as enum ('red', 'green');
create domain positive as integer check (value > 0);
create function is_even(n integer) returns boolean language sql immutable as 'select n % 2 = 0';
create table proofs (
  a integer check (a > 0), b text check (b in ('x', 'y')), c timestamptz, d timestamptz, check (c is null or c >= d),
  e numeric(5, 2) check (e between 0 and 100), f color check (f <> 'red'), g positive, h text check (h ~ '^[a-z]+$'),
  i text check (length(btrim(i)) > 0), j text not null, k jsonb check (jsonb_typeof(k) = 'object'),
  l timestamptz check (l <= now()), m text check (m in ({MANY})), "Odd Name" integer check (is_even("Odd Name")),
  n integer constraint late check (n > 0));
alter table proofs drop constraint late;
alter table proofs add constraint late check (n > 0) not valid;
create table hollow (a integer check (a > 0)) partition by range (a);
"""


@pytest.fixture(scope="module")
def audit(new_module: Callable[..., System]) -> Iterator[Audit]:
    system = new_module()
    system.execute(TABLE, "grant select on all tables in schema public to AUDITOR")
    with opened(system.parameters, system.environment) as one:
        yield one


def by(audit: Audit, holds: str, table: str = "proofs") -> str | None:
    return enforced(audit, audit.relations.table(table), holds).by


@pytest.mark.parametrize(
    "holds",
    [
        *("a > 0", "0 < a", "a >= 0", "not a <= 0", "a > 0 or a is null"),
        *("b in ('y', 'x')", "b = 'x' or b = 'y'", "b in ('x', 'y', 'z')"),
        *("c >= d", "not (c < d)", "d <= c", "c is null or d <= c"),
        *("e >= 0", "e <= 100", "e between 0 and 100"),
        *("f <> 'red'", "g > 0", "h ~ '^[a-z]+$'", "length(btrim(i)) > 0", "length(trim(i)) > 0", "j is not null"),
        *("jsonb_typeof(k) = 'object'", "l <= now()", f"m in ({MANY})", 'public.is_even("Odd Name")'),
    ],
)
def test_an_invariant_that_a_constraint_says_is_enforced(audit: Audit, holds: str) -> None:
    assert by(audit, holds)


@pytest.mark.parametrize(
    "holds",
    [
        *("a > 1", "a is not null", "a > 0 and a < 10", "a < 10", "b in ('x')", "b = 'x' or a > 100", "c > d"),
        *("e >= 0.01", "e < 100", "f <> 'green'", "g > 1", "h ~ '^[a-z]*$'", "length(i) > 1", "j <> ''"),
        *("l < now()", f"m in ({MANY.removesuffix(chr(44) + ' ' + chr(39) + 'v149' + chr(39))})", '"Odd Name" > 0'),
        *("n > 0", "coalesce(a, 0) > 0"),
    ],
)
def test_an_invariant_that_no_constraint_says_is_not(audit: Audit, holds: str) -> None:
    assert by(audit, holds) is None


@pytest.mark.parametrize("holds", ["true", "1 = 1", "1 = 1 or a > 0"])
def test_what_is_true_of_everything_says_nothing(audit: Audit, holds: str) -> None:
    assert enforced(audit, audit.relations.table("proofs"), holds).says_nothing


def test_a_table_that_can_have_no_row_proves_nothing(audit: Audit) -> None:
    assert by(audit, "a > 5", "hollow") is None


def test_a_constraint_that_was_never_validated_is_named(audit: Audit) -> None:
    how = enforced(audit, audit.relations.table("proofs"), "n > 0")
    assert how.unchecked and how.unchecked.name == "late"


def test_an_invariant_that_is_no_condition_is_told_and_hides_no_other(new: Callable[..., System]) -> None:
    system = new()
    system.edit("{resource: asset, holds: cpu_cores > 0}", "{resource: asset, holds: cpu_coers > 0}")
    for verdict in verdicts(
        system.parameters, system.environment, ["invariants_hold", "invariants_are_constraints"]
    ).values():
        states = {one.scope["resource"]: (one.status, one.reason) for one in verdict.results}
        assert states["master_flow"][0] is states["discovery_flow"][0] is Status.PASS, told(verdict)
        assert states["asset"] == (Status.INCONCLUSIVE, 'cpu_coers > 0: column "cpu_coers" does not exist')


COLUMNS = {"client_account_id": "app.client", "engagement_id": "app.engagement"}
ONE = "(client_account_id = (NULLIF(current_setting('app.client'::text, true), ''::text))::uuid)"
TWO = "(engagement_id = (current_setting('app.engagement'::text))::uuid)"


@pytest.mark.parametrize(
    ("expression", "columns"),
    [
        (f"({ONE} AND {TWO})", {"client_account_id", "engagement_id"}),
        (f"(({ONE} AND {TWO}) OR ({TWO} AND {ONE}))", {"client_account_id", "engagement_id"}),
        (f"({ONE} AND ({TWO} OR (name = 'x'::text)))", {"client_account_id"}),
        (f"({ONE} OR {TWO})", set()),
        (ONE, {"client_account_id"}),
        (f"(NOT {ONE})", set()),
        (ONE.replace(" = (", " <> ("), set()),
        (ONE.replace(" = (", " IS NOT DISTINCT FROM ("), {"client_account_id"}),
        (ONE.replace("client_account_id", "parent_client_account_id"), set()),
        (ONE.replace("app.client", "app.clients"), set()),
        ("(name = 'client_account_id OR app.client'::text)", set()),
        (f"COALESCE({ONE}, true)", set()),
        (f"CASE WHEN (name = 'x'::text) THEN true ELSE {ONE} END", set()),
        ("(client_account_id IS NOT NULL)", set()),
        ("true", set()),
        ("", set()),
        (None, set()),
    ],
)
def test_a_condition_binds(expression: str | None, columns: set[str]) -> None:
    assert bound(expression, COLUMNS) == columns


@pytest.mark.parametrize(
    ("expression", "binds"),
    [
        ("(\"Org Id\" = (current_setting('app.org'::text))::uuid)", True),
        ('("Org Id" IN ( SELECT m.org FROM members m WHERE ((m.who = CURRENT_USER) OR (m.until > now()))))', True),
        ('("Org Id" = ANY (my_orgs()))', True),
        ('("Org Id" IS NULL)', False),
        ("(\"Org Id\" >= '0'::uuid)", False),
        ('("Org Idea" = my_org())', False),
    ],
)
def test_a_column_without_a_setting_is_bound_where_it_is_compared(expression: str, binds: bool) -> None:
    assert (bound(expression, {"Org Id": None}) == {"Org Id"}) is binds
