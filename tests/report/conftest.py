"""A real browser, and a run whose every place is hostile."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from dsaudit import report
from tests.report import hostile, runs

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose fifth phase holds every payload as every kind of output, and whose records are hostile too."""
    folder = tmp_path_factory.mktemp("run")
    survivors = [{"kind": payload, "seed": 1, "what": payload} for payload in hostile.PAYLOADS]
    record = runs.result(runs.NO_GO, runs.EXPLAINS, detection=runs.detection(survivors=survivors))
    runs.write_notebooks(folder, record, {"05_accuracy": hostile.outputs()})
    for verdict, payload in zip(record["verdicts"] * 2, hostile.PAYLOADS, strict=False):
        verdict["results"][0] |= {"observed": payload, "reason": payload}
        verdict["rows"] = [[payload for _ in verdict["columns"]], *verdict["rows"]]
    record["reasons"] = [{**reason, "text": hostile.PAYLOADS[0] + reason["text"]} for reason in record["reasons"]]
    report.write(folder, record)
    return folder
