"""A source id is one text, whether Python makes it of JSON or PostgreSQL of a column, and however either writes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from dsaudit import server
from dsaudit.database.catalogue import TableInfo
from dsaudit.database.expressions import id_of, told_id
from dsaudit.parameters.ids import Kind, id_text, kind_of, may_be_asked_for, writings
from dsaudit.source.reading import parse

UUID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
# The type of the key's column, the source's JSON, and the id.
WRITTEN = [
    ("bigint", "1000", "1000"),
    ("bigint", "1e3", "1000"),
    ("bigint", '"2.00"', "2"),
    ("bigint", '"007"', "7"),
    ("bigint", "-0", "0"),
    ("bigint", "9007199254740993.0", "9007199254740993"),
    ("integer", "-5.0", "-5"),
    ("numeric(10,2)", "7", "7"),
    ("numeric(10,2)", "7.50", "7.5"),
    ("numeric", "12345678901234567890123456789012345678901.10", "12345678901234567890123456789012345678901.1"),
    ("numeric", "1e-7", "0.0000001"),
    ("double precision", "1e20", "100000000000000000000"),
    ("uuid", f'"{UUID}"', UUID),
    ("uuid", f'"{{{UUID.upper()}}}"', UUID),
    ("uuid", f'"{UUID.replace("-", "")}"', UUID),
    ("character(6)", '"ab    "', "ab"),
    ("text", '"2.0"', "2.0"),
    ("text", '" ab "', " ab "),
    ("text", f'"{UUID.upper()}"', UUID.upper()),
]
ODD = ["", " 7", "7 ", "+7", "--7", "1e", "1e999", "1e1000", ".5", "5.", "00.10", "-0.0", "0x1", "٧", "NaN", "7\n",
       f"{{{UUID}", f"{UUID}}}", UUID.replace("-", "", 1).title(), f"urn:uuid:{UUID}", UUID[:-1], "ab "]  # fmt: skip


@pytest.fixture(scope="module")
def connection(postgres: server.Server) -> Iterator[psycopg.Connection[Any]]:
    url = make_url(postgres.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as one:
        yield one


def of_column(connection: psycopg.Connection[Any], text: str, column_type: str) -> str:
    """Return the id that PostgreSQL makes of a key of a type."""
    return _of_row(connection, text, column_type, id_of("id", TableInfo("public", "t", 1, {"id": column_type})))


def of_text(connection: psycopg.Connection[Any], text: str, kind: Kind | None) -> str:
    """Return the id that PostgreSQL makes of a text that the raw table has, of a resource with ids of a kind."""
    expression = told_id("id", TableInfo("public", "t", 1, {"id": "text"}), {"x": kind}, "'x'::text")
    return _of_row(connection, text, "text", expression)


def _of_row(connection: psycopg.Connection[Any], text: str, column_type: str, expression: str) -> str:
    select = f"select {expression} from (select %s::{column_type} as id) as x"
    (found,) = connection.execute(select, [text]).fetchone() or ("",)  # type: ignore[call-overload]
    return str(found)


@pytest.mark.parametrize(("column_type", "given", "wanted"), WRITTEN)
def test_the_source_and_a_column_of_any_type_have_one_text_for_an_id(
    connection: psycopg.Connection[Any], column_type: str, given: str, wanted: str
) -> None:
    value, kind = parse(given), kind_of(column_type)
    of_rows = [of_column(connection, wanted, column_type), of_text(connection, str(value), kind)]
    assert [id_text(value, kind), *of_rows] == [wanted] * 3
    if kind in ("number", "uuid"):
        found = {*writings(wanted, kind)}
        assert {id_text(one, kind) for one in found} == {wanted}, "an index is asked for other ids"
        assert str(value) in {*found, wanted} or len(wanted) > 20, "an index does not find it"


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("kind", ["number", "uuid", "char", None])
def test_a_text_that_may_be_no_id_of_its_kind_is_the_same_on_both_sides(
    connection: psycopg.Connection[Any], text: str, kind: Kind | None
) -> None:
    assert of_text(connection, text, kind) == id_text(text, kind)


def test_what_is_no_text_in_postgresql_is_told_as_json_writes_it() -> None:
    assert [id_text(parse(one)) for one in (r'"a\u0000b"', r'"\ud800"', '"é\\n"', "true")] == [
        r"a\u0000b", r"\ud800", "é\n", "True"
    ]  # fmt: skip
    assert [may_be_asked_for(one) for one in (r"a\u0000b", r"\ud800", r"\ud7ff", "é")] == [False, False, True, True]
