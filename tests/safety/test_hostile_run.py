"""A run over a database full of hostile texts, in a browser: nothing runs, asks, leads away, forges or covers."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, sync_playwright

from dsaudit import server, source
from dsaudit.parameters import load, project_root
from dsaudit.run import Options, run
from tests import ledger
from tests.checks.auditing import variables
from tests.report.hostile import PAYLOADS
from tests.safety import browsing, filling

pytestmark = [
    pytest.mark.skipif(browsing.CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.xdist_group("browser"),
    pytest.mark.slow,
]


@dataclass
class Hostile:
    """A run over hostile data, and the same notebooks as plain nbconvert exports them."""

    folder: Path
    plain: list[Path]
    result: dict[str, Any]
    places: dict[str, int]

    @property
    def pages(self) -> list[Path]:
        """The pages of the report."""
        return sorted(self.folder.glob("*.html")) + sorted((self.folder / "phases").glob("*.html"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=browsing.CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def hostile(postgres: server.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    root = tmp_path_factory.mktemp("hostile")
    with ledger.running(postgres.url, root) as one, variables(one.environment), contextlib.chdir(root):
        blueprint = root / "notebooks" / "datasource"
        shutil.copytree(project_root(Path(__file__).parent) / "notebooks" / "datasource", blueprint)
        filling.add_naive_cells(blueprint / "05_accuracy.ipynb")
        places = filling.fill(one, [one.replace("\0", "") for one in PAYLOADS], is_shown=True)
        outcome = run(load(one.parameters), Options(jobs=os.cpu_count() or 1), source.record, lambda line: None)
        yield Hostile(outcome.folder, _plain(outcome.folder, root / "plain"), outcome.result, places)


def _plain(folder: Path, target: Path) -> list[Path]:
    """Export the executed notebooks as nbconvert does by itself."""
    from nbconvert.exporters import HTMLExporter

    target.mkdir()
    for path in sorted((folder / "phases").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            # A page that leaves at once, or is text from there on, would hide what the rest does.
            for output in cell.get("outputs", []):
                for kind, text in list(output.get("data", {}).items()):
                    if isinstance(text, str):
                        output["data"][kind] = re.sub("=refresh|<plaintext>|<!--$|<base ", "", text)
        (target / f"{path.stem}.html").write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    return sorted(target.glob("*.html"))


def test_the_texts_are_where_they_should_be(hostile: Hostile) -> None:
    """Or nothing would be proven: most payloads are shown, in five places and more."""
    assert len(set(PAYLOADS)) >= 60 and len(hostile.places) >= 5 and min(hostile.places.values()) >= 60
    text = "\n".join(path.read_text(encoding="utf-8") for path in hostile.pages)
    assert len(hostile.pages) == 9
    for word in ("&lt;script&gt;console.log", "evil.example", "ALL PASS", "onerror=console.log", "\\u202e"):
        assert text.count(word) > 20, word
    assert hostile.result["decision"] == "NO-GO"


@pytest.mark.filterwarnings("ignore:Your element")
def test_nothing_of_it_acts_in_the_report(hostile: Hostile, browser: Browser) -> None:
    ours, plain = browsing.Seen(), browsing.Seen()
    checks = [verdict["check"] for verdict in hostile.result["verdicts"]]
    for path in hostile.pages:
        ours.add(browsing.seen(browser, path, checks))
    for path in hostile.plain:
        plain.add(browsing.seen(browser, path))
    print(f"\n{len(set(PAYLOADS))} payloads in {len(hostile.places)} places, {len(hostile.pages)} pages")
    for name, one in {"dsaudit": ours, "plain nbconvert": plain}.items():
        print(f"{name}: {one.scripts} scripts run, {len(one.requests)} requests, {len(one.navigations)} navigations, "
              f"{one.overlays} overlays, {one.forged} forged verdicts, {one.covered} banners covered")  # fmt: skip
    assert ours == browsing.Seen()
    # What sees nothing where there is something would see nothing in ours either.
    assert plain.scripts > 10 and len(plain.requests) > 10 and plain.navigations and plain.overlays > 2


def test_a_forged_verdict_and_an_overlay_would_be_seen(hostile: Hostile, browser: Browser, tmp_path: Path) -> None:
    text = hostile.pages[-1].read_text(encoding="utf-8")
    forged = (
        '<div class="output"><section class="ds-card ds-pass" id="orphans">✓</section>'
        '<b class="ds-badge">✓ PASS</b></div><div style="position:fixed;inset:0;background:#fff">ALL PASS</div></main>'
    )
    policy = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
    (tmp_path / "page.html").write_text(policy.sub("", text).replace("</main>", forged), encoding="utf-8")
    found = browsing.seen(browser, tmp_path / "page.html", [verdict["check"] for verdict in hostile.result["verdicts"]])
    assert found.forged >= 1 and found.overlays == 1 and found.covered >= 1


def test_links_lead_into_the_run_alone(hostile: Hostile, browser: Browser) -> None:
    page = browser.new_page()
    for path in hostile.pages:
        page.goto(path.as_uri())
        assert browsing.strange_links(page) == [], path.name
    page.close()


def test_the_failure_is_seen_by_who_opens_the_report(hostile: Hostile, browser: Browser) -> None:
    entry = hostile.pages[0]
    page = browser.new_page()
    page.goto(entry.as_uri())
    assert "NO-GO" in page.locator(".banner h1").inner_text() and page.locator(".banner h1").is_visible()
    for path in hostile.pages[1:]:
        page.goto(path.as_uri())
        assert "NO-GO" in page.locator(".banner").inner_text()
    page.close()
