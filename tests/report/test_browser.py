"""The pages in a real browser, JavaScript on: nothing runs, nothing is asked for, nothing covers the verdict."""

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_output
from playwright.sync_api import Browser, Page, Request

from dsaudit import report
from dsaudit.audit.display import Shown
from dsaudit.report import outputs
from tests.report import runs
from tests.report.conftest import CHROMIUM

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.xdist_group("browser"),
]


@dataclass
class Seen:
    """What a page did that a document does not do."""

    hits: int = 0
    requests: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # requests that the page's policy stopped before they left
    addresses: list[str] = field(default_factory=list)


def watched(page: Page, path: Path) -> Seen:
    """Open a page offline, unfold and click what there is, and tell what happened."""
    seen = Seen()

    def ask(request: Request) -> None:
        if request.url.startswith("data:image/png"):
            return
        (seen.addresses if request.is_navigation_request() else seen.requests).append(request.url)

    def fail(request: Request) -> None:
        if request.failure == "csp":
            seen.refused.append(request.url)

    page.on("request", ask)
    page.on("requestfailed", fail)
    page.on("console", lambda message: setattr(seen, "hits", seen.hits + (message.text == "HIT")))
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.context.set_offline(True)
    page.goto(path.as_uri(), wait_until="load")
    page.wait_for_timeout(200)
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    page.evaluate("document.querySelectorAll('a[href^=javascript]').forEach(link => link.click())")
    page.wait_for_timeout(200)
    return seen


@pytest.mark.parametrize("name", ["report.html", "phases/05_accuracy.html", "phases/07_performance.html"])
def test_nothing_runs_and_nothing_is_asked_for(browser: Browser, folder: Path, name: str) -> None:
    page = browser.new_page()
    seen = watched(page, folder / name)
    assert (seen.hits, seen.requests, seen.addresses) == (0, [], [(folder / name).as_uri()])
    assert page.evaluate("document.scripts.length") == 0
    page.close()


@pytest.mark.parametrize("name", ["report.html", "phases/05_accuracy.html"])
def test_nothing_covers_the_verdict(browser: Browser, folder: Path, name: str) -> None:
    page = browser.new_page()
    watched(page, folder / name)
    page.evaluate("scrollTo(0, 0)")
    assert page.evaluate(
        """() => [...document.querySelectorAll('.banner h1, .banner .counts, .banner li')].every(one => {
            const box = one.getBoundingClientRect();
            const top = document.elementFromPoint(box.left + 30, box.top + box.height / 2);
            return box.top > innerHeight || top.closest('.banner') !== null;
        })"""
    )
    assert page.locator(".banner h1").is_visible()
    page.close()


def test_the_policy_alone_stops_scripts_and_requests(
    browser: Browser, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the allow-list switched off the payloads are in the page, and the page's policy holds them."""
    monkeypatch.setattr(outputs, "cleaned", lambda html: "" if "refresh" in html else html)
    record = runs.result(runs.NO_GO)
    shutil.copytree(folder / "phases", tmp_path / "phases", ignore=shutil.ignore_patterns("*.html"))
    report.write(tmp_path, record)
    path = tmp_path / "phases" / "05_accuracy.html"
    assert "onerror=" in path.read_text(encoding="utf-8")
    page = browser.new_page()
    seen = watched(page, path)
    assert seen.hits == 0
    assert len(seen.refused) > 3 and sorted(seen.requests) == sorted(seen.refused)
    page.close()


@pytest.mark.filterwarnings("ignore:Your element")
def test_the_payloads_are_live_in_a_plain_export(browser: Browser, folder: Path, tmp_path: Path) -> None:
    """The same notebook through nbconvert's own exporter: what the report has to keep out."""
    from nbconvert.exporters import HTMLExporter

    notebook = nbformat.read(folder / "phases" / "05_accuracy.ipynb", as_version=4)
    for cell in notebook.cells:
        # A page that leaves at once, or is text from there on, would hide what the rest does.
        cell["outputs"] = [
            output for output in cell.get("outputs", []) if not re.search("=refresh|<plaintext>", str(output))
        ]
    path = tmp_path / "plain.html"
    path.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    page = browser.new_page()
    seen = watched(page, path)
    assert seen.hits > 5 and len(seen.requests) > 5 and not seen.refused
    page.close()


@pytest.mark.parametrize("width", [320, 390, 800, 1280])
@pytest.mark.parametrize("name", ["report.html", "phases/05_accuracy.html", "phases/07_performance.html"])
def test_pages_fit_the_window(browser: Browser, folder: Path, name: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto((folder / name).as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.screenshot().startswith(outputs.PNG)
    page.close()


def test_the_criteria_can_be_read_on_a_phone(browser: Browser, folder: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto((folder / "report.html").as_uri())
    boxes = [row.bounding_box() for row in page.locator("#ds-criteria tbody tr").all()]
    statuses = [cell.bounding_box() for cell in page.locator("#ds-criteria td.ds-status").all()]
    assert len(boxes) == len(statuses) == 6
    assert all(box and box["height"] < 100 for box in boxes)
    assert all(box and box["x"] + box["width"] <= 390 for box in statuses)
    page.close()


def test_lines_stay_readable(browser: Browser, folder: Path) -> None:
    """A line of text has at most 72 characters, measured with the width of a zero."""
    page = browser.new_page(viewport={"width": 1600, "height": 800})
    page.goto((folder / "report.html").as_uri())
    lines = "main p, main section > ul:not(.checklist), .columns :is(ul, ol)"
    wide = page.evaluate(
        """lines => [...document.querySelectorAll(lines)].filter(one => {
            const ruler = document.createElement('span');
            ruler.textContent = '0'.repeat(72);
            ruler.style.whiteSpace = 'nowrap';
            one.append(ruler);
            const limit = ruler.getBoundingClientRect().width;
            ruler.remove();
            return one.getBoundingClientRect().width > limit + 1;
        }).map(one => one.textContent)""",
        lines,
    )
    assert wide == []
    page.close()


def test_a_long_table_scrolls_in_a_box_and_is_whole_in_print(browser: Browser, tmp_path: Path) -> None:
    tables = [Shown("Waiting", [{"name": "id"}], [[row] for row in range(count)], count) for count in (20, 90)]
    record = runs.result()
    shown = [new_output("display_data", table._repr_mimebundle_()) for table in tables]
    runs.write_notebooks(tmp_path, record, {"06_realtime": shown})
    report.write(tmp_path, record)
    page = browser.new_page()
    page.goto((tmp_path / "phases" / "06_realtime.html").as_uri())
    boxes = "[...document.querySelectorAll('.output > .ds-table > .ds-scroll')]"
    heights = f"{boxes}.map(one => [one.clientHeight, one.scrollHeight])"
    (short, whole), (box, long) = page.evaluate(heights)
    assert short == whole and box < 600 < long
    titles = [title.inner_text() for title in page.locator(".output > .ds-table caption").all()]
    assert titles == ["Waiting", "Waiting (90 rows)"]
    more = "getComputedStyle(document.querySelectorAll('.output > .ds-table caption')[{}], '::after').content"
    assert page.evaluate(more.format(1)) == '"; scroll the box for the rest"'
    assert page.evaluate(more.format(0)) == "none"
    page.emulate_media(media="print")
    assert all(box == whole for box, whole in page.evaluate(heights))
    page.close()


NAMES = ["topic", "wanted_by", "handled", "registered_for", "recorded_for", "digest", "received_at", "state"]
WIDE = ["orders/partially_fulfilled", "fulfillment_line_item", "app/services/shopify_webhooks.py:80", "acme, nordlicht"]
WIDE += ["acme, nordlicht", "ab12" * 16, "2026-11-20T13:07:07.120000+00:00", "not registered for nordlicht"]


@pytest.mark.parametrize("width", [390, 800, 1200])
def test_a_wide_table_is_not_cut(browser: Browser, tmp_path: Path, width: int) -> None:
    """Long names are broken behind a sign; on a phone each row is a list of titles and values."""
    record = runs.result()
    table = Shown("Topics", [{"name": name} for name in NAMES], [WIDE] * 3, 3)
    shown = [new_output("display_data", table._repr_mimebundle_())]
    runs.write_notebooks(tmp_path, record, {"06_realtime": shown})
    report.write(tmp_path, record)
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto((tmp_path / "phases" / "06_realtime.html").as_uri())
    box = page.locator(".output > .ds-table > .ds-scroll")
    box_width, table_width = box.evaluate("one => [one.clientWidth, one.scrollWidth]")
    assert table_width <= box_width
    out = (
        "[...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > innerWidth).length"
    )
    assert page.evaluate(out) == 0
    assert "2026-11-20 13:07:07.120000 UTC" in box.inner_text()
    title = "getComputedStyle(document.querySelector('.output > .ds-table td:nth-child(2)'), '::before').content"
    assert page.evaluate(title) == ('"wanted by"' if width < 700 else "none")
    page.close()
