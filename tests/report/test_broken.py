"""What is broken costs its own place on a page, and the green of it, and nothing else."""

from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_output

from dsaudit import report
from dsaudit.report import notebook, outputs
from tests.report import runs
from tests.report.reading import dangers
from tests.report.writing import banner_of, report_of, text_of, written


@pytest.mark.parametrize(
    "broken",
    [
        {"results": None},
        {"status": "splendid"},
        {"rows": [[{"masked": 1}]], "columns": [{"name": "a"}]},
        {"causes": None},
        {"claim": "x", "limits": 7},
        {"phase": "../../outside", "query": None},
    ],
)
def test_a_broken_record_costs_its_own_card_and_the_green(tmp_path: Path, broken: dict[str, Any]) -> None:
    record = runs.result()
    record["verdicts"][3] |= broken
    check = record["verdicts"][3]["check"]
    pages = written_again(tmp_path, record)
    page = pages["report"]
    banner = banner_of(page)
    assert 'class="banner ds-inconclusive"' in banner and "✓ GO" in text_of(banner)  # the decision is the record's
    assert f"The record of {check} cannot be shown; sign nothing by this page" in text_of(banner)
    assert f'<section class="ds-card ds-error" id="{check}">' in page and "Its record in result.json" in page
    assert all(page.count(f'id="{one["check"]}"') == 1 for one in runs.TERMS["checks"])
    assert page.count('class="ds-card ds-pass"') == len(runs.TERMS["checks"]) - 1
    phase = pages[record["plan"][3]["phase"]]
    assert "✗" not in phase and 'class="banner phase ds-error"' in phase


def written_again(folder: Path, record: dict[str, Any]) -> dict[str, str]:
    """Write a report of notebooks that are whole, from a record that is not."""
    runs.write_notebooks(folder, runs.result())
    report.write(folder, record)
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.rglob("*.html")}


def test_a_verdict_that_is_missing_is_an_error(tmp_path: Path) -> None:
    record = runs.result()
    lost = record["verdicts"].pop(2)
    page = written_again(tmp_path, record)["report"]
    assert f'<section class="ds-card ds-error" id="{lost["check"]}">' in page and "(it is missing)" in page


@pytest.mark.parametrize("key", ["criteria", "checklist", "history"])
def test_a_broken_section_costs_no_other(tmp_path: Path, key: str) -> None:
    record = {**runs.result(runs.NO_GO), key: 7}
    page = report_of(tmp_path, record)
    assert "cannot be shown (TypeError)" in page or "cannot be shown (AttributeError)" in page
    assert all(page.count(f'id="{check["check"]}"') == 1 for check in runs.TERMS["checks"])
    assert "cannot be shown" in banner_of(page) and "NO-GO" in banner_of(page)
    assert dangers(page) == []


def test_without_a_first_screen_the_page_is_no_go_at_all(tmp_path: Path) -> None:
    page = report_of(tmp_path, {**runs.result(), "instant": None})
    banner = banner_of(page)
    assert 'class="banner ds-error"' in banner and "This report is not whole" in banner
    assert "The decision on record is GO. Sign nothing by this page" in banner
    assert page.count("<td") > 26


def test_an_output_that_breaks_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaking(html: str) -> str:
        return str(1 / (0 if "breaks" in html else 1)) and html

    monkeypatch.setattr(outputs, "cleaned", breaking)
    shown = [new_output("display_data", {"text/html": word}) for word in ("<p>whole</p>", "<p>breaks</p>")]
    pages = written(tmp_path, runs.result(), {"05_accuracy": shown})
    for page in (pages["report"], pages["05_accuracy"]):
        assert "An output cannot be shown (ZeroDivisionError); it is in 05_accuracy.ipynb." in page
        assert page.count("<p>whole</p>") == 1 and page.count('id="orphans"') == 1


def test_a_notebook_that_cannot_be_shown_costs_the_green_of_its_page_and_of_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook, "HERE", tmp_path)  # nbconvert finds no template there
    pages = written(tmp_path, runs.result())
    assert 'class="banner phase ds-inconclusive"' in pages["05_accuracy"]
    assert "The executed notebook cannot be shown" in text_of(banner_of(pages["05_accuracy"]))
    page = pages["report"]
    assert 'class="banner ds-inconclusive"' in page and 'class="phase ds-inconclusive"' in page
    assert "The notebook of 05 Accuracy cannot be shown; sign nothing by this page" in text_of(banner_of(page))
    assert all(page.count(f'id="{one["check"]}"') == 1 for one in runs.TERMS["checks"])
