"""The states of rows: clean and odd, each fault with its row, and where there is nothing to judge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dsaudit import plots, server
from dsaudit.verdict import Status, Verdict
from tests.checks.auditing import all_rows, opened, told
from tests.integrity.system import System, running
from tests.test_plots import lanes, sentence

pytestmark = pytest.mark.xdist_group("states")

HERE = Path(__file__).parent
PARAMETERS = (HERE / "parameters.yml").read_text(encoding="utf-8")
KNOWN, MOVE, MISSING, REQUIRED, WITHHELD, ORIGIN, DERIVED = CHECKS = (
    *("states_are_known", "states_move_as_declared", "missing_fields_are_truthful", "required_values_are_there"),
    *("withheld_values_are_absent", "provenance_is_complete", "derived_values_equal_their_formula"),
)
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def clean(postgres: server.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    schema = (HERE / "schema.sql").read_text(encoding="utf-8")
    with running(postgres.url, tmp_path_factory.mktemp("states"), schema=schema, parameters=PARAMETERS) as one:
        yield one


@pytest.fixture
def system(clean: System) -> Iterator[System]:
    """The same, to be damaged: its rows are put back afterwards."""
    tables = ("cpus", "listings", "listing_changes")
    with psycopg.connect(clean.owner_url) as connection:
        for table in tables:
            connection.execute(f"create temporary table kept_{table} as table {table}")  # type: ignore[call-overload]
        connection.commit()
        try:
            yield clean
        finally:
            clean.parameters.write_text(PARAMETERS, encoding="utf-8")
            connection.execute("truncate cpus, listings, listing_changes")
            for table in tables:
                connection.execute(f"insert into {table} table kept_{table}")  # type: ignore[call-overload]


@contextmanager
def judged(system: System, *names: str) -> Iterator[dict[str, tuple[Verdict, Rows]]]:
    with opened(system.parameters, system.environment) as audit:
        found = {name: audit.check(name) for name in names or CHECKS}
        yield {name: (verdict, all_rows(audit, verdict)) for name, verdict in found.items()}


def failing(system: System) -> dict[str, Rows]:
    """The rows of each check that does not pass; every one that does not has to fail."""
    with judged(system) as found:
        assert [told(one) for one, _ in found.values() if one.status not in (Status.PASS, Status.FAIL)] == []
        return {name: rows for name, (verdict, rows) in found.items() if verdict.status is Status.FAIL}


def test_all_pass_on_clean_rows_and_on_odd_ones(clean: System) -> None:
    with judged(clean) as found:
        assert [told(one) for one, _ in found.values() if one.status is not Status.PASS] == []
        examined = {name: verdict.examined for name, (verdict, _) in found.items()}
    assert examined[KNOWN] == 6 and examined[MOVE] == 7 and examined[REQUIRED] == 6 and examined[WITHHELD] == 6
    assert examined[DERIVED] == 3 + 3 + 6  # the two that are withheld while partial, and the label


CHANGES = {
    "a state that nobody declared": (
        "update listings set quality = 'half' where id = 3",
        {KNOWN: [{"source_id": "3", "state": "half"}]},
    ),
    "no state at all": (
        "update listings set quality = null where id = 3",
        {KNOWN: [{"source_id": "3", "state": None}]},
    ),
    "a state that is somebody's sentence": (
        "update listings set quality = 'Half, I think' where id = 3",
        {KNOWN: [{"source_id": "3", "state": "no word"}]},
    ),
    "a state in other letters": (
        "update listings set quality = ' Full' where id = 3",
        {KNOWN: [{"source_id": "3", "state": "full, in other letters or with spaces"}]},
    ),
    "a state that goes back": (
        "insert into listing_changes values (99, 1, 'full', 'partial', '2026-01-05Z');"
        "insert into listing_changes values (98, 1, 'partial', 'full', '2026-01-06Z')",
        {MOVE: [{"source_id": "1", "problem": "no such move is declared", "from_state": "full"}]},
    ),
    "a move that is left out": (
        "delete from listing_changes where listing_id = 1 and quality_before = 'partial' and quality_after = 'full';"
        "insert into listing_changes values (97, 1, 'full', 'full', '2026-01-05Z')",
        {MOVE: [{"source_id": "1", "problem": "it does not begin where the last move ended", "from_state": "full"}]},
    ),
    "a state that no move led to": (
        "delete from listing_changes where listing_id = 1 and quality_after = 'full'",
        {MOVE: [{"source_id": "1", "problem": "the row is in another state", "from_state": "partial"}]},
    ),
    "a field that is empty and not named": (
        "update listings set missing_fields = '[\"condition\"]' where id = 3",
        {MISSING: [{"source_id": "3", "field": "price_usd", "problem": "it is empty, and not named"}]},
    ),
    "a field that is named and not empty, though it is 0": (
        "update listings set missing_fields = '[\"price_usd\"]' where id = 6",
        {MISSING: [{"source_id": "6", "field": "price_usd", "problem": "it is named, and not empty"}]},
    ),
    "a name that is no field": (
        "update listings set missing_fields = '[\"price\", 7]' where id = 1",
        {MISSING: [{"source_id": "1", "problem": "it names what is none of the declared fields"}] * 2},
    ),
    "no list": (
        "update listings set missing_fields = '{\"price_usd\": true}' where id = 3",
        {MISSING: [{"source_id": "3", "field": "missing_fields", "problem": "it is no list"}]},
    ),
    "a value that is needed": (
        "update listings set title = null where id = 1; update listings set title = ' ' where id = 2;"
        "update listings set label = null where id in (1); update listings set label = ' : new' where id = 2",
        {REQUIRED: [{"source_id": "1", "field": "title", "problem": "it is empty"}, {"problem": "its text is empty"}]},
    ),
    "a value that is made of nothing yet": (
        "update listings set adjusted_price_usd = 0 where id = 3",
        {WITHHELD: [{"source_id": "3", "field": "adjusted_price_usd", "state": "partial"}]},
    ),
    "no word on the origin, and a wrong one": (
        "update listings set extraction_metadata = extraction_metadata - 'price_usd' where id = 1;"
        "update listings set extraction_metadata = extraction_metadata || '{\"title\": [\"manual\"]}' where id = 2",
        {ORIGIN: [
            {"source_id": "1", "field": "price_usd", "problem": "nothing is said"},
            {"source_id": "2", "field": "title", "problem": "it is none of the declared words"},
        ]},
    ),
    "a cent too much": (
        "update listings set adjusted_price_usd = 285.00, price_per_cpu_mark = 0.285 where id = 1",
        {DERIVED: [{"source_id": "1", "field": "adjusted_price_usd", "stored": "285.00"}]},
    ),
    "a value that is not there, and one that cannot be": (
        "update listings set price_per_cpu_mark = null where id = 1;"
        "update listings set price_per_cpu_mark = 'NaN' where id = 2",
        {DERIVED: [{"source_id": "1", "field": "price_per_cpu_mark", "stored": None}, {"stored": "nan"}]},
    ),
    "a text that differs": (
        "update listings set label = 'one: new' where id = 1",
        {DERIVED: [{"source_id": "1", "field": "label", "stored": "one: new", "computed": "one: used"}]},
    ),
    "a parent that has changed": (
        "update cpus set cpu_mark = 2000 where id = 1",
        {DERIVED: [{"source_id": "1", "field": "price_per_cpu_mark"}]},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), CHANGES.values(), ids=CHANGES)
def test_a_fault_is_found_by_its_check_alone(system: System, change: str, expected: dict[str, Rows]) -> None:
    system.execute(change)
    found = failing(system)
    assert list(found) == list(expected), found
    for name, rows in expected.items():
        assert len(found[name]) == len(rows), found[name]
        for row, wanted in zip(sorted(found[name], key=lambda row: str(row["source_id"])), rows, strict=True):
            assert wanted.items() <= {**row, "stored": _text(row.get("stored"))}.items()
            assert row["resource"] == "listing"


def _text(value: object) -> str | None:
    return None if value is None else str(value)


@pytest.mark.parametrize(("stored", "is_right"), [("95.09", True), ("95.10", True), ("95.08", False), ("95.11", False)])
def test_what_is_computed_may_be_rounded_in_any_way_that_is_one(system: System, stored: str, is_right: bool) -> None:
    system.execute(f"update listings set price_usd = 100.10, adjusted_price_usd = {stored} where id = 2")  # of 95.095
    assert (failing(system) == {}) is is_right


def test_empty_tables_prove_nothing_and_say_of_what_there_is_none(system: System) -> None:
    system.execute("truncate listings, listing_changes")
    with judged(system) as found:
        assert {verdict.status for verdict, _ in found.values()} == {Status.INCONCLUSIVE}
        reasons = {name: verdict.results[0].reason for name, (verdict, _) in found.items()}
    assert reasons[KNOWN] == "the table has no row" and reasons[MOVE] == "listing_changes has no row"
    assert reasons[WITHHELD] == "no row is partial" and reasons[REQUIRED] == "no row is full"
    assert (
        reasons[ORIGIN] == "title is empty in every row; price_usd is empty in every row; cpu_id is empty in every row"
    )
    assert "no row may have adjusted_price_usd" in str(reasons[DERIVED])


def test_a_formula_that_the_database_does_not_know_is_told(system: System) -> None:
    system.edit("price_per_cpu_mark: adjusted_price_usd", "price_per_cpu_mark: adjusted_price_eur")
    with judged(system, DERIVED) as found:
        verdict, _ = found[DERIVED]
        assert verdict.status is Status.INCONCLUSIVE and "adjusted_price_eur" in str(verdict.results[0].reason)
    system.edit("cpu.cpu_mark", "cpu.cpu_marks")
    with judged(system, DERIVED) as found:
        assert "has no column cpu_marks; did you mean cpu_mark?" in str(found[DERIVED][0].results[0].reason)


def test_without_the_parts_their_checks_are_skipped(system: System) -> None:
    head = PARAMETERS.partition("    history:")[0]
    system.parameters.write_text(head, encoding="utf-8")
    with judged(system) as found:
        assert {name for name, (verdict, _) in found.items() if verdict.status is Status.PASS} == {KNOWN}
        reason = found[MOVE][0].results[0].reason
    assert reason == "nothing in the parameter file has rows that go through states, with history (states)"
    system.parameters.write_text(PARAMETERS.partition("states:")[0], encoding="utf-8")
    with judged(system, KNOWN) as found:
        assert found[KNOWN][0].status is Status.SKIPPED


def test_a_list_of_texts_and_other_names_are_read_too(system: System) -> None:
    system.execute(
        "alter table listings add gaps text[] default '{}', add told json",
        "update listings set gaps = '{price,condition}' where quality = 'partial'",
        "update listings set told = json_build_object('cost', json_build_object('source', 'manual'))",
    )
    try:
        system.edit(
            "missing: {column: missing_fields, fields: [price_usd, condition]}",
            "missing: {column: gaps, fields: {price: price_usd, condition: condition}}",
        )
        system.edit("fields: [title, price_usd, cpu_id]", "fields: {cost.source: price_usd}")
        system.edit("column: extraction_metadata", "column: told")
        assert failing(system) == {}
        system.execute("update listings set told = '{\"cost\": \"manual\"}', gaps = '{price}' where id in (1, 3)")
        found = failing(system)
        assert [row["field"] for row in found[ORIGIN]] == ["cost.source"]
        assert {(row["source_id"], row["field"]) for row in found[MISSING]} == {("3", "condition"), ("1", "price")}
    finally:
        system.execute("alter table listings drop gaps, drop told")


def test_the_tables_count_rows_by_state_by_what_they_lack_and_by_their_time(clean: System) -> None:
    with opened(clean.parameters, clean.environment) as audit:
        states = audit.frame("rows_by_state").to_dict("records")
        lacking = audit.frame("rows_by_missing").to_dict("records")
        times = audit.frame("time_in_states")
        assert audit.table("rows_by_state")._repr_mimebundle_() and audit.table("rows_by_missing")._repr_mimebundle_()
        assert '<td data-of="longest">1 day</td>' in audit.table("time_in_states")._repr_mimebundle_()["text/html"]
    assert [(row["state"], row["moves_on_to"], row["rows"]) for row in states] == [
        ("partial", "full", 3), ("full", "none", 3),
    ]  # fmt: skip
    assert {(row["state"], row["lacking"], row["rows"]) for row in lacking} == {
        ("full", "nothing", 3), ("partial", "price_usd", 2), ("partial", "price_usd, condition", 1),
    }  # fmt: skip
    by_state = {row["type"]: row for row in times.to_dict("records")}
    assert by_state["partial"]["longest"] == 24 * 3600 and by_state["partial"]["unfinished"] == 2
    axes = plots.time_in_states(times)
    assert "listing\npartial" in lanes(axes) and "the longest took" in sentence(axes)
    assert sentence(plots.time_in_states(times[:0])).endswith(": nothing to show.")


TENANTS = """
create type phase as enum ('draft', 'sent');
create table owners (id uuid primary key, rate real);
create table notes (
  number int, owner_id uuid references owners (id), phase phase not null, doc jsonb,
  total numeric, share float8, cents int,
  primary key (number, owner_id)
);
create view all_notes as select * from notes;
grant select on all tables in schema public to AUDITOR;
insert into owners values ('11111111-1111-4111-8111-111111111111', 0.1), ('22222222-2222-4222-8222-222222222222', 3);
insert into notes
  select 1, min(id::text)::uuid, 'sent'::phase, '{"to": {"name": "a"}, "origin": {"to": "typed"}}'::jsonb,
    10.5::numeric, 1.05::float8, 1050 from owners
  union all select 1, max(id::text)::uuid, 'draft', '{"to": null, "origin": {}}', null, null, null from owners
  union all
  select 2, max(id::text)::uuid, 'sent', '{"to": {"name": "b"}, "origin": {"to": "typed"}}', 'NaN', 'NaN', 7
  from owners;
"""
OF_TENANTS = """
integration: small-notes
database: {url_env: SMALL_DISCOVERY_URL}
tenants:
  - {name: acme, id: 11111111-1111-4111-8111-111111111111}
  - {name: borealis, id: 22222222-2222-4222-8222-222222222222}
resources:
  note: {table: all_notes, key: number, tenant: owner_id}
  owner: {table: owners, key: id}
relations:
  - {child: note.owner_id, parent: owner.id}
states:
  - resource: note
    column: phase
    moves: {draft: [sent], sent: []}
    required: {sent: [doc.to.name, total]}
    withheld: {draft: [doc.to, total]}
    provenance: {column: doc.origin, fields: {to: doc.to}, values: typed}
    derived: {share: total * owner.rate, cents: "case when total = 'NaN' then 7 else total * 100 end"}
"""


def test_rows_of_tenants_enumerations_views_and_paths_in_json_are_judged_too(
    postgres: server.Server, tmp_path: Path
) -> None:
    with running(postgres.url, tmp_path, schema=TENANTS, parameters=OF_TENANTS) as system:
        with judged(system, KNOWN, REQUIRED, WITHHELD, ORIGIN, DERIVED) as found:
            assert [told(one) for one, _ in found.values() if one.status is not Status.PASS] == []
        system.execute(
            "update notes set total = 5 where phase = 'draft'",
            'update notes set doc = \'{"to": {"name": null}, "origin": {"to": "heard"}}\' where number = 2',
            "update notes set cents = 1051, share = share * 1.0001 where total = 10.5",
        )
        with judged(system, KNOWN, REQUIRED, WITHHELD, ORIGIN, DERIVED) as found:
            named = {name: {(row["tenant"], row["field"]) for row in rows} for name, (_, rows) in found.items()}
        assert named == {
            KNOWN: set(),
            REQUIRED: {("borealis", "doc.to.name")},
            WITHHELD: {("borealis", "total")},
            ORIGIN: {("borealis", "to")},
            DERIVED: {("acme", "share"), ("acme", "cents"), ("borealis", "share"), ("borealis", "cents")},
        }
