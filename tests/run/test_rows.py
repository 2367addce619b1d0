"""The rows of a check as a file: what PostgreSQL reads back from it is what the check found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dsaudit.run.rows import RowsMissing, write_rows
from dsaudit.server import Server

TEXTS = ["", " ", "NULL", "\\N", "\\.", 'a "b", c', "two\nlines", "two\r\nlines", "a line\u2028of two", "Zoë"]
ROWS: list[dict[str, Any]] = [
    {"id": None, "text": None, "listed": None, "is_right": None},
    *({"id": number, "text": text, "listed": [text], "is_right": True} for number, text in enumerate(TEXTS)),
]


def test_what_is_written_as_csv_is_read_back_by_postgresql(postgres: Server, tmp_path: Path) -> None:
    folder = tmp_path / "private" / "rows"
    folder.mkdir(parents=True)
    (folder / "some_check.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    write_rows(tmp_path, "some_check", tmp_path / "rows.csv")
    with psycopg.connect(postgres.url) as connection, connection.cursor() as cursor:
        cursor.execute("create temporary table kept (id integer, text text, listed jsonb, is_right boolean)")
        with cursor.copy("copy kept from stdin with (format csv, header match)") as copy:
            copy.write((tmp_path / "rows.csv").read_bytes())
        found = cursor.execute("select id, text, listed, is_right from kept order by id nulls first").fetchall()
    assert [dict(zip(ROWS[0], row, strict=True)) for row in found] == ROWS


def test_a_file_that_cannot_be_written_is_told_in_a_line(tmp_path: Path) -> None:
    folder = tmp_path / "private" / "rows"
    folder.mkdir(parents=True)
    (folder / "some_check.jsonl").write_text('{"id": 1}\n', encoding="utf-8")
    with pytest.raises(RowsMissing, match=r"absent/rows\.csv: cannot be written: no such file or directory"):
        write_rows(tmp_path, "some_check", tmp_path / "absent" / "rows.csv")
