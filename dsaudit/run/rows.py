"""Writes the rows that a check found, whole and unmasked, for the one who has to mend them."""

from __future__ import annotations

import difflib
import json
import os
import unicodedata
from pathlib import Path
from typing import Any

SIGNS = "=+-@\u2212"  # with which a formula begins; wide and small forms of them count as they do
FIRST = "\t\r\n\0'"  # of these some make a formula of what follows, and the apostrophe is our own mark


class RowsMissing(Exception):
    """A run kept no rows of this check."""


def write_rows(run: Path, check: str, target: Path) -> int:
    """Write the rows of `check` in the run folder to a ``.csv`` or ``.jsonl`` file, readable by its owner alone.

    Returns how many there are. JSON lines hold every text as it is. In CSV one that a spreadsheet could take for a
    formula, and one that begins with an apostrophe, has an apostrophe before it, which gives the text when it is taken
    off; NULL is a bare field and an empty text a quoted one; numbers stay numbers.

    Raises
    ------
    RowsMissing
        The run found none, was of another check, its private folder is gone, or the target's ending is no format, or
        it cannot be written.
    """
    if target.suffix not in (".csv", ".jsonl"):
        raise RowsMissing(f"{target}: rows are written as .csv or .jsonl")
    path = run / "private" / "rows" / f"{check}.jsonl"
    if not path.is_file():
        raise RowsMissing(f"{run} holds no rows of {check}: {_why_none(run, check)}")
    rows = read_rows(path)
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise RowsMissing(f"{target}: cannot be written: {(error.strerror or 'unknown').lower()}") from None
    os.fchmod(handle, 0o600)  # a file that was there keeps its own mode otherwise
    # A source's text may hold half a surrogate pair, which no file can.
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        if target.suffix == ".csv":
            _write_csv(rows, file)
        else:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return len(rows)


def _why_none(run: Path, check: str) -> str:
    if not (run / "private").is_dir():
        return "its private folder is not here"
    try:
        result = json.loads((run / "result.json").read_text(encoding="utf-8"))
        told = {verdict["check"]: verdict for verdict in result["verdicts"]}
    except (OSError, ValueError, KeyError):
        return "it has no result"
    if check not in told:
        close = difflib.get_close_matches(check, told, n=1)
        return "it has no check of this name" + (f"; did you mean {close[0]}?" if close else "")
    return "it found none" if told[check]["status"] == "pass" else f"the check ended {told[check]['status']}"


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows in a file of a run's private folder, one JSON object a line."""
    with path.open(encoding="utf-8") as file:  # splitlines() would break at characters that a text may hold
        return [json.loads(line) for line in file]


def _write_csv(rows: list[dict[str, Any]], file: Any) -> None:
    names = list(rows[0])
    lines: list[list[Any]] = [names, *([row.get(name) for name in names] for row in rows)]
    file.writelines(",".join(map(_field, line)) + "\r\n" for line in lines)


def _field(value: Any) -> str:
    """Return a value as PostgreSQL's COPY writes it, which tells an empty text from NULL: that one is bare."""
    if value is None:
        return ""
    if isinstance(value, (bool, int, float)):
        return str(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return '"' + _inert(text).replace('"', '""') + '"'


def _inert(text: str) -> str:
    """Return a text so that no spreadsheet takes it for a formula: behind an apostrophe, if it might.

    One that begins with an apostrophe gets another: so whoever takes one off has each text as it was.
    """
    begins = next((sign for sign in text if not (sign.isspace() or unicodedata.category(sign) in ("Cc", "Cf"))), "")
    is_formula = begins and unicodedata.normalize("NFKC", begins)[0] in SIGNS
    return f"'{text}" if is_formula or text.startswith(tuple(FIRST)) else text
