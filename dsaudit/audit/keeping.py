"""Keeps what a check found in the run's private folder, whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def keep_rows(private: Path, name: str, records: list[dict[Any, Any]]) -> str:
    """Write all rows of the check `name`, one JSON object a line, and return the file's place in the run."""
    folder = private / "rows"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{name}.jsonl"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    # A source's text may hold half a surrogate pair, which no file can.
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        for record in records:
            file.write(json.dumps(record, default=str, ensure_ascii=False) + "\n")
    return f"private/rows/{name}.jsonl"
