"""What the planted faults cannot show of the schema's checks: odd types, names and places."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dsaudit.facts.schema import declared_columns, declared_tables, misfit
from dsaudit.parameters import load
from dsaudit.verdict import Status, Verdict
from tests import ledger
from tests.checks.auditing import opened, told, verdicts

NewLedger = Callable[..., ledger.Ledger]


def judged(one: ledger.Ledger, check: str) -> Verdict:
    return verdicts(one.parameters, one.environment, [check])[check]


@pytest.mark.parametrize(
    ("kind", "declared"),
    [
        ("money", "numeric"),
        ("money", "numeric(20,4)"),
        ("decimal", "numeric(14,3)"),
        ("integer", "integer"),
        ("integer", "bigint"),
        ("integer", "numeric(38,0)"),
        ("text", "character varying(20)"),
        ("text", "character(2)"),
        ("text", "uuid"),
        ("boolean", "boolean"),
        ("instant", "timestamp with time zone"),
        ("instant", "timestamp(3) with time zone"),
        ("instant", "timestamp without time zone"),  # another check's question
        ("date", "date"),
        ("text", "text[]"),
        ("", "bytea"),
    ],
)
def test_a_type_that_holds_its_values_fits(kind: str, declared: str) -> None:
    assert misfit(kind, declared) is None


@pytest.mark.parametrize(
    ("kind", "declared", "problem"),
    [
        ("money", "double precision", "binary float"),
        ("decimal", "real", "binary float"),
        ("money", "money", "lc_monetary"),
        ("money", "bigint", "after the decimal point"),
        ("money", "text", "does not add up"),
        ("money", "numeric(10,0)", "rounds to 0 digits"),
        ("money", "numeric(10)", "rounds to 0 digits"),
        ("money", "numeric(5,-2)", "rounds to -2 digits"),
        ("integer", "smallint", "32767"),
        ("integer", "double precision", "last digits"),
        ("integer", "numeric(6,0)", "more than 6 digits"),
        ("integer", "text", "holds no integer"),
        ("boolean", "integer", "holds no boolean"),
        ("instant", "text", "holds no instant"),
        ("instant", "date", "holds no instant"),
        ("date", "timestamp with time zone", "holds no date"),
        ("text", "integer", "holds no text"),
    ],
)
def test_a_type_that_spoils_its_values_does_not_fit(kind: str, declared: str, problem: str) -> None:
    assert problem in (misfit(kind, declared) or "")


@pytest.mark.parametrize(("declared", "fits"), [("bigint", True), ("text", True), ("uuid", True), ("integer", False)])
def test_an_id_needs_64_bits_or_a_text(declared: str, fits: bool) -> None:
    assert (misfit("integer", declared, holds_id=True) is None) is fits


def test_declared_tables_come_with_the_keys_that_name_them(new_ledger: NewLedger) -> None:
    parameters = load(new_ledger().parameters)
    tables = declared_tables(parameters)
    assert tables["ledger.Member"] == ["resources.member.table"]
    assert list(tables)[:3] == ["ledger.hook_log", "ledger.job_run", "ledger.connection"]


def test_a_column_says_by_which_keys_it_is_declared(new_ledger: NewLedger) -> None:
    columns = {(one.table, one.name): one for one in declared_columns(load(new_ledger().parameters))}
    changed = columns["ledger.invoice", "changed"]
    assert changed.declared_by == ("resources.invoice.updated_column", "resources.invoice.fields.changed")
    assert changed.kind == "instant"
    assert columns["ledger.connection", "granted"].declared_by == ("record.columns.scopes",)
    # A position in the parent's list counts from 1 and is no id.
    assert not columns["ledger.invoice_line", "line"].holds_id


def test_a_domain_is_judged_by_what_it_is_made_of(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.execute("create domain ledger.rounded as double precision check (value < 1000000)")
    one.execute("create domain ledger.price as ledger.rounded")
    one.execute("alter table ledger.invoice alter total type ledger.price")
    verdict = judged(one, "column_types_fit")
    assert verdict.status is Status.FAIL
    assert [row[1] for row in verdict.rows] == ["total"]
    assert "price" in str(verdict.rows[0])


def test_a_domain_over_a_naive_timestamp_is_found(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.execute("create domain ledger.moment as timestamp")
    one.execute("alter table ledger.job_run alter began type ledger.moment")
    assert "began" in str(judged(one, "instants_have_a_zone").rows)


def test_an_enumeration_holds_texts(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.execute("create type ledger.currency as enum ('EUR', 'JPY', 'KWD')")
    one.execute("alter table ledger.invoice alter currency type ledger.currency using currency::ledger.currency")
    assert judged(one, "column_types_fit").status is Status.PASS


def test_a_missing_table_makes_its_columns_undecided_and_hides_no_other(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.execute("alter table ledger.invoice_line rename to lines")
    found = verdicts(
        one.parameters,
        one.environment,
        ["declared_tables_exist", "declared_columns_exist", "column_types_fit", "instants_have_a_zone"],
    )
    assert {name: str(verdict.status) for name, verdict in found.items()} == {
        "declared_tables_exist": "fail",
        "declared_columns_exist": "inconclusive",
        "column_types_fit": "inconclusive",
        "instants_have_a_zone": "inconclusive",
    }
    states = {result.scope["resource"]: str(result.status) for result in found["column_types_fit"].results}
    assert states == {"member": "pass", "invoice": "pass", "line": "inconclusive"}


def test_a_renamed_table_is_shown_with_the_similar_name(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.execute("alter table ledger.invoice_line rename to invoice_lines")
    one.execute("create table ledger.invoice_lined (id bigint)")  # only the nearest is named
    verdict = judged(one, "declared_tables_exist")
    assert [row[:2] for row in verdict.rows] == [["ledger.invoice_line", "invoice_lines"]], told(verdict)


def test_a_renamed_column_is_shown_with_the_similar_name(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.execute('alter table ledger."Member" rename "Full Name" to "full name"')
    verdict = judged(one, "declared_columns_exist")
    assert [row[:3] for row in verdict.rows] == [["ledger.Member", "Full Name", "full name"]], told(verdict)


def test_a_name_in_several_schemas_is_not_guessed(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.parameters.write_text(one.parameters.read_text().replace("table: ledger.job_run", "table: job_run"))
    one.execute("create schema spare")
    one.execute("create table spare.job_run (began timestamptz)")
    verdict = judged(one, "declared_tables_exist")
    assert "several schemas" in str(verdict.rows), told(verdict)


def test_text_columns_with_a_limit_are_listed(new_ledger: NewLedger) -> None:
    one = new_ledger()
    one.execute("alter table ledger.invoice alter currency type varchar(3)")
    with opened(one.parameters, one.environment) as audit:
        frame = audit.frame("length_limits")
    assert frame.to_dict("records") == [{"table": "invoice", "column": "currency", "type": "character varying(3)"}]
