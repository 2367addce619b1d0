"""Writes reports of made-up runs, and reads what they say."""

import re
from pathlib import Path
from typing import Any

from dsaudit import report
from tests.report import runs
from tests.report.reading import Page


def written(folder: Path, record: dict[str, Any], extra: dict[str, list[Any]] | None = None) -> dict[str, str]:
    """Write notebooks and report; return the pages by name."""
    runs.write_notebooks(folder, record, extra)
    report.write(folder, record)
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.rglob("*.html")}


def report_of(tmp_path: Path, record: dict[str, Any]) -> str:
    report.write(tmp_path, record, phases=False)
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def banner_of(page: str) -> str:
    return page[page.index("<header") : page.index("</header>")]


def text_of(html: str) -> str:
    """The words of some HTML, with one space between them and none before a comma or a full stop."""
    return re.sub(r" (?=[,.])", "", re.sub(r"\s+", " ", " ".join(Page(html).words)))
