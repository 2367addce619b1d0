# ruff: noqa: E501  (a record stands on one line in a file of JSON lines)
"""A cause that only seems to hold is not given: small systems in which something else is true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dsaudit import server
from tests.shapes.systems import Shape
from tests.shapes.test_shapes import System, _made

RAW = """
create table raw (
  id serial primary key, tenant text, object_type text, source_id text, payload jsonb, status text default 'processed',
  gone boolean default false, via text, changed_at timestamptz, received_at timestamptz);
"""
HEAD = """
source: {kind: files, folder: FOLDER}
raw:
  table: raw
  webhook: [webhook]
  columns: {TENANTchanged_at: changed_at, deleted: gone, content_hash: none, via: via, state: status, error: none}
"""
Make = Callable[..., System]


@pytest.fixture
def made(postgres: server.Server, tmp_path: Path) -> Iterator[Make]:
    """Yield a maker of a system with a raw table: tables, files of the source, resources."""
    with ExitStack() as stack:

        def make(tables: str, exports: dict[str, str], resources: str) -> System:
            tenant = "tenant: tenant, " if "tenants:" in resources else ""
            shape = Shape(RAW + tables, exports, HEAD.replace("TENANT", tenant) + resources, {})
            return stack.enter_context(_made(postgres.url, tmp_path, shape))

        yield make


def causes(system: System, check: str) -> dict[str, str]:
    """Return the cause of each row of a check, by record, or by record and field."""
    rows = system.audit(check)[check][1]
    return {
        ".".join(str(row[name]) for name in ("source_id", "field") if name in row): str(row["cause"]) for row in rows
    }


def received(kind: str, source_id: int, payload: str, changed: str, tenant: str = "") -> str:
    """Return the statement that stores a version received the moment it changed."""
    values = f"'{tenant}', '{kind}', '{source_id}', '{payload}', '{changed}', '{changed}'"
    return f"insert into raw (tenant, object_type, source_id, payload, changed_at, received_at) values ({values});"


# Differences of a type


TYPED = """
  o:
    table: o
    key: id
    read: o.jsonl
    updated: updated
    updated_column: changed
    fields: {total: money, large: integer, quantity: integer, due: instant}
"""


def typed(made: Make, *records: str) -> System:
    """Return a system whose rows were made of these records and are of their state, all with wrong values."""
    sql = "create table o (id bigint primary key, total numeric, large numeric, quantity int, due timestamptz, changed timestamptz);"
    lines = [f'{{"id": {number}, "updated": "2026-02-01T00:00:00Z", {one}}}' for number, one in enumerate(records, 1)]
    for number, line in enumerate(lines, 1):
        sql += received("o", number, line, "2026-02-01")
        sql += f"insert into o values ({number}, 10, null, 10, '2026-03-01T09:00:00Z', '2026-02-01');"
    return made(sql, {"o.jsonl": "\n".join(lines)}, "resources:" + TYPED)


def test_a_value_that_only_looks_like_one_of_another_unit_size_or_zone_is_not_called_so(made: Make) -> None:
    system = typed(made, '"total": 1, "large": 3000000000, "quantity": 1, "due": "2026-03-01T10:15:00Z"')
    assert causes(system, "field_differences") == {
        "1.total": "UNIT_OR_SCALE",
        "1.large": "REFINE_WRONG",
        "1.quantity": "REFINE_WRONG",
        "1.due": "REFINE_WRONG",
    }
    system.execute("alter table o alter large type integer")
    assert causes(system, "field_differences")["1.large"] == "PRECISION"


@pytest.mark.parametrize(
    ("due", "cause"),
    [
        (["2026-03-01T09:00:00-05:00"], "TIMEZONE"),  # the clock face stands here
        (["2026-03-01T14:00:00Z"], "REFINE_WRONG"),  # five hours off, as any other instant could be
        (["2026-03-01T14:00:00Z", "2026-03-01T13:00:00Z", "2026-03-01T14:00:00Z", "2026-03-01T14:00:00Z"], "TIMEZONE"),
        (["2026-03-01T14:00:00Z", "2026-03-01T13:00:00Z", "2026-03-01T12:00:00Z"], "REFINE_WRONG"),
    ],
)
def test_an_instant_is_shifted_by_a_zone_where_the_text_or_several_rows_tell_it(
    made: Make, due: list[str], cause: str
) -> None:
    system = typed(made, *(f'"total": 10, "large": null, "quantity": 10, "due": "{one}"' for one in due))
    assert causes(system, "field_differences")["1.due"] == cause


# The content of another record

LINES = """
resources:
  o: {table: o, key: id, read: o.jsonl, updated: updated, updated_column: changed}
  l: {table: l, key: id, updated: updated, nested: {in: o, at: lines}, refined_at: stored, fields: {qty: integer}}
relations: [{child: l.o, parent: o.id}]
"""
ORDERS = """
create table o (id bigint primary key, changed timestamptz);
create table l (id bigint primary key, o bigint references o, qty int, stored timestamptz);
"""


def order(day: int, *lines: tuple[int, int], number: int = 1) -> str:
    """Return an order that changed on a day, with lines of these ids and quantities."""
    inside = ", ".join(f'{{"id": {one}, "qty": {quantity}}}' for one, quantity in lines)
    return f'{{"id": {number}, "updated": "2026-02-0{day}T00:00:00Z", "lines": [{inside}]}}'


def test_an_older_state_is_not_taken_for_the_content_of_another_record(made: Make) -> None:
    rows = "insert into o values (1, '2026-02-01'); insert into l values (11, 1, 1), (12, 1, 1);"
    rows += received("o", 1, order(1, (11, 1), (12, 1)), "2026-02-01")
    rows += received("l", 11, '{"id": 11, "qty": 1}', "2026-02-01")
    rows += received("l", 12, '{"id": 12, "qty": 1}', "2026-02-01")
    system = made(ORDERS + rows, {"o.jsonl": order(5, (11, 2), (12, 1))}, LINES)
    assert causes(system, "raw_differs_from_source") == {"1": "MISSED_UPDATE"}
    assert causes(system, "field_differences") == {"11.qty": "MISSED_UPDATE"}


TENANTS = """
tenants: [{name: a, id: A, account: a}, {name: b, id: B, account: b}]
resources:
  o: {table: o, key: id, tenant: tenant, read: o.jsonl, fields: {name: text}}
"""
NAMED = "create table o (tenant text, id bigint, name text, primary key (tenant, id));"


def test_the_records_of_two_accounts_with_one_id_and_one_name_are_two(made: Make) -> None:
    of_a, of_b = ('{"id": 7, "name": "VAT 19 %", "by": "' + by + '"}' for by in ("anna", "bob"))
    rows = received("o", 7, of_b, "2026-01-01", "B") + "insert into o values ('B', 7, 'VAT 19 %');"
    other = '{"id": 1, "name": "x"}'
    rows += "".join(received("o", 1, other, "2026-01-01", one) for one in "AB")
    rows += "insert into o values ('A', 1, 'x'), ('B', 1, 'x');"
    system = made(NAMED + rows, {"a/o.jsonl": f"{other}\n{of_a}", "b/o.jsonl": other}, TENANTS)
    assert causes(system, "source_missing_in_raw") == {"7": "NEVER_RECEIVED"}
    assert causes(system, "refined_missing_at_source") == {"7": "MISSED_DELETE"}


def test_without_a_raw_table_a_name_alone_makes_no_record_that_of_another_account(made: Make) -> None:
    rows = "insert into o values ('A', 1, 'x'), ('B', 1, 'x'), ('B', 7, 'VAT 19 %');"
    other = '{"id": 1, "name": "x"}'
    exports = {"a/o.jsonl": other + '\n{"id": 7, "name": "VAT 19 %"}', "b/o.jsonl": other}
    system = made(NAMED + rows, exports, TENANTS)
    text = system.parameters.read_text(encoding="utf-8")
    system.parameters.write_text(text.replace(text[text.index("raw:") : text.index("tenants:")], ""), encoding="utf-8")
    assert causes(system, "source_missing_in_refined") == {"7": "UNEXPLAINED"}
    assert causes(system, "refined_missing_at_source") == {"7": "UNEXPLAINED"}


# What a run read

RUNS = """
syncs: {table: runs, columns: {resource: resource, started_at: began, ended_at: ended, fetched: got, pages: pages, watermark: upto, error: err}}
resources:
  o: {table: o, key: id, read: o.jsonl, updated: updated, updated_column: changed}
"""


def test_what_may_have_come_to_the_list_after_the_run_was_on_no_page_of_it(made: Make) -> None:
    sql = "create table o (id bigint primary key, changed timestamptz);"
    sql += "create table runs (resource text, began timestamptz, ended timestamptz, got int, pages int, upto timestamptz, err text);"
    sql += "insert into runs values ('o', '2026-02-01', '2026-02-01T00:00:02Z', 2, 1, '2026-01-02', null);"
    days = ["2026-01-01", "2026-01-02", "2025-06-01"]
    lines = [f'{{"id": {number}, "updated": "{day}T00:00:00Z"}}' for number, day in enumerate(days, 1)]
    sql += "".join(received("o", number, lines[number - 1], days[number - 1]) for number in (1, 2))
    system = made(sql, {"o.jsonl": "\n".join(lines)}, RUNS)
    assert causes(system, "source_missing_in_raw") == {"3": "NEVER_RECEIVED"}
    text = system.parameters.read_text(encoding="utf-8")
    known = text.replace("updated_column: changed", "updated_column: changed, known: {created: updated}")
    system.parameters.write_text(known, encoding="utf-8")
    assert causes(system, "source_missing_in_raw") == {"3": "NEVER_RECEIVED"}, "two are no usual page"
    system.parameters.write_text(known.replace("kind: files,", "kind: files, page_size: 2,"), encoding="utf-8")
    assert causes(system, "source_missing_in_raw") == {"3": "PAGE_BOUNDARY"}


# What a child stood in


def line(number: int) -> str:
    return f'{{"id": {number}, "qty": 1}}'


def test_a_child_that_stood_in_an_earlier_version_of_its_parent_is_no_ghost(made: Make) -> None:
    rows = "insert into o values (1, '2026-02-02');"
    rows += "".join(f"insert into l values ({number}, 1, 1, '2026-02-03');" for number in (11, 12, 13))
    rows += "insert into l values (14, null, 1, '2026-02-03');"
    rows += received("o", 1, order(1, (11, 1), (12, 1)), "2026-02-01") + received("l", 11, line(11), "2026-02-01")
    rows += received("o", 1, order(2, (11, 1)), "2026-02-02")
    system = made(ORDERS + rows, {"o.jsonl": order(2, (11, 1))}, LINES)
    extra = {"12": "MISSED_DELETE", "13": "GHOST", "14": "UNEXPLAINED"}  # on what the last one hangs nobody knows
    assert causes(system, "refined_missing_at_source") == extra
    system.execute("update raw set status = 'pending' where id = 3")
    assert causes(system, "refined_missing_at_source") == {**extra, "12": "UNEXPLAINED"}, "its removal is to come"
    embedded = system.parameters.read_text(encoding="utf-8").replace("at: lines}", "at: lines, embedded: true}")
    system.parameters.write_text(embedded, encoding="utf-8")
    system.execute("update raw set status = 'processed'; delete from raw where object_type = 'l'")
    # What has no raw rows of its own may have stood in any other order.
    assert causes(system, "refined_missing_at_source") == {**extra, "13": "UNEXPLAINED"}


def cut(made: Make, *lists: tuple[int, int]) -> dict[str, str]:
    """Return the causes of the lines that are missing where of so many lines of each order the first few came."""
    rows, orders = "", []
    for number, (first, length) in enumerate(lists, 1):
        ids = [number * 100 + place for place in range(length)]
        orders.append(order(1, *((one, 1) for one in ids), number=number))
        rows += f"insert into o values ({number}, '2026-02-01');" + received("o", number, orders[-1], "2026-02-01")
        rows += "".join(f"insert into l values ({one}, {number}, 1);" for one in ids[:first])
        rows += "".join(received("l", one, line(one), "2026-02-01") for one in ids[:first])
    return causes(made(ORDERS + rows, {"o.jsonl": "\n".join(orders)}, LINES), "source_missing_in_raw")


@pytest.mark.parametrize(
    ("lists", "cause"),
    [
        ([(10, 12)], "TRUNCATED_CHILDREN"),  # a page of ten
        ([(10, 11)], "UNEXPLAINED"),  # the last one may be missing for any reason
        ([(1, 3)], "UNEXPLAINED"),
        ([(1, 2), (1, 2)], "UNEXPLAINED"),
        ([(1, 2), (1, 3)], "TRUNCATED_CHILDREN"),  # the first alone, whatever the length
    ],
)
def test_children_are_called_cut_off_where_a_page_or_lists_of_several_lengths_tell_it(
    made: Make, lists: list[tuple[int, int]], cause: str
) -> None:
    assert set(cut(made, *lists).values()) == {cause}


# What was deleted

MARKED = """
  o: {table: o, key: id, read: o.jsonl, updated: updated, updated_column: changed, deleted: gone, refined_at: stored}
"""
LOG = """
deliveries: {table: log, columns: {delivery_id: none, tenant: none, source_id: about, topic: topic, received_at: came, sent_at: none, outcome: outcome}}
"""


def test_a_row_whose_deletion_came_was_not_deleted_here_alone(made: Make) -> None:
    sql = "create table o (id bigint primary key, changed timestamptz, gone boolean, stored timestamptz);"
    sql += "create table log (topic text, about text, came timestamptz, outcome text);"
    lines = [f'{{"id": {number}, "updated": "2026-02-01T00:00:00Z"}}' for number in (1, 2, 3)]
    for number in (1, 2, 3):
        sql += received("o", number, lines[number - 1], "2026-02-01")
        sql += f"insert into o values ({number}, '2026-02-01', true, '2026-02-04');"
    sql += "insert into raw (tenant, object_type, source_id, payload, gone, via, received_at)"
    sql += """values ('', 'o', '2', '{"id": 2}', true, 'webhook', '2026-02-03');"""
    sql += "insert into log values ('o/delete', '3', '2026-02-03', 'accepted');"
    resources = MARKED.replace("read: o.jsonl,", "read: o.jsonl, webhooks: [o/create, o/delete],")
    system = made(sql, {"o.jsonl": "\n".join(lines)}, LOG.strip() + "\nresources:" + resources)
    rows = {str(row["source_id"]): row for row in system.audit("source_missing_in_refined").popitem()[1][1]}
    assert {name: row["cause"] for name, row in rows.items()} == {
        "1": "LOCALLY_DELETED",
        "2": "UNEXPLAINED",  # a tombstone was stored
        "3": "UNEXPLAINED",  # a deletion was delivered, and no version stored
    }
    came = "a deletion of it was received 2026-02-03 00:00:00 UTC, and the source has it"
    assert [came in str(rows[name]["evidence"]) for name in "123"] == [False, True, True]
    assert causes(system, "source_missing_in_raw") == {"2": "UNEXPLAINED"}


def test_what_the_list_may_leave_out_by_default_is_not_called_deleted(made: Make) -> None:
    sql = "create table o (id bigint primary key, changed timestamptz);"
    sql += "create table l (id bigint primary key, o bigint references o, qty int, stored timestamptz);"
    open_, closed = (
        order(1, number=number)[:-1] + f', "open": {word}}}' for number, word in ((1, "true"), (2, "false"))
    )
    for number, one in ((1, open_), (2, closed)):
        sql += f"insert into o values ({number}, '2026-02-01'); insert into l values ({number}1, {number}, 1);"
        sql += received("o", number, one, "2026-02-01") + received("l", number * 10 + 1, line(11), "2026-02-01")
    known = LINES.replace("read: o.jsonl,", "read: o.jsonl, known: {by_default: {open: true}},")
    system = made(sql, {"o.jsonl": open_}, known)
    # The line of the order that is in the list is gone from it.
    assert causes(system, "refined_missing_at_source") == {
        "2": "UNEXPLAINED",
        "11": "MISSED_DELETE",
        "21": "UNEXPLAINED",
    }
    system.execute("update raw set gone = true where source_id = '2'")
    assert causes(system, "refined_missing_at_source")["2"] == "MISSED_DELETE", "a deletion of it came"
    path = system.parameters.parent.parent / "o.jsonl"
    path.write_text(f"{open_}\n{closed.replace(': 2,', ': 3,')}\n", encoding="utf-8")
    system.execute("update raw set gone = false")
    assert set(causes(system, "refined_missing_at_source").values()) == {"MISSED_DELETE"}, (
        "the list has closed ones too"
    )


# When a version changed


@pytest.mark.parametrize(
    ("told", "cause", "evidence"),
    [
        ('"updated": "2026-01-31T00:00:00Z", ', "MISSED_UPDATE", "tells 2026-01-31 00:00:00 UTC"),
        ('"updated": "2026-02-01T00:00:00Z", ', "UNEXPLAINED", "no cause is proven"),  # the same change, other content
        ("", "MISSED_UPDATE", "tells no time of change"),
    ],
)
def test_a_version_is_older_where_its_payload_tells_it(made: Make, told: str, cause: str, evidence: str) -> None:
    sql = "create table o (id bigint primary key, changed timestamptz); insert into o values (1, '2026-01-31');"
    sql += received("o", 1, f'{{"id": 1, {told}"n": 1}}', "2026-02-01") + "update raw set changed_at = null;"
    system = made(
        sql,
        {"o.jsonl": '{"id": 1, "updated": "2026-02-01T00:00:00Z", "n": 2}'},
        "resources:" + MARKED.replace(", deleted: gone, refined_at: stored", ""),
    )
    ((_, (row,)),) = system.audit("raw_differs_from_source").values()
    assert row["cause"] == cause and evidence in str(row["evidence"])


# What a log does not tell


def test_a_log_that_cannot_be_asked_is_no_silent_one(made: Make) -> None:
    sql = "create table o (id bigint primary key, changed timestamptz); insert into o values (1, '2026-01-01');"
    sql += "create table log (topic text, about text, sent text, came timestamptz, outcome text);"
    sql += "insert into log values ('o/create', '1', '2026-01-01', '2026-01-01', 'accepted');"
    first, second = (f'{{"id": {number}, "updated": "2026-0{number}-01T00:00:00Z"}}' for number in (1, 2))
    log = LOG.strip().replace("sent_at: none", "sent_at: sent") + "\nresources:"
    resources = MARKED.replace(", deleted: gone, refined_at: stored", ", webhooks: [o/create]")
    exports = {
        "o.jsonl": f"{first}\n{second}",
        "hooks.jsonl": '{"topic": "o/create", "address": "https://here.example"}',
    }
    system = made(sql + received("o", 1, first, "2026-01-01"), exports, log + resources)
    text = system.parameters.read_text(encoding="utf-8")
    system.parameters.write_text(
        text.replace("kind: files,", "kind: files, subscriptions: hooks.jsonl,"), encoding="utf-8"
    )
    assert causes(system, "source_missing_in_raw") == {"2": "UNDELIVERED"}
    system.execute("insert into log values ('o/create', '2', 'at noon', '2026-02-01', 'accepted')")
    assert causes(system, "source_missing_in_raw") == {"2": "NEVER_RECEIVED"}
