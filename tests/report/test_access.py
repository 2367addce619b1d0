"""The report for every reader: on paper, with the keyboard, without JavaScript, with a screen reader."""

from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from tests.report.conftest import CHROMIUM

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.xdist_group("browser"),
]


def test_keyboard_reaches_the_findings_first(browser: Browser, folder: Path) -> None:
    page = browser.new_page()
    page.goto((folder / "report.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the findings"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#ds-main"
    page.close()


def test_print_is_what_a_reviewer_signs(browser: Browser, folder: Path) -> None:
    """Folds of the report are open, but what a paper does not need; the phases are named and left to their pages."""
    page = browser.new_page()
    page.goto((folder / "report.html").as_uri())
    page.emulate_media(media="print")
    inside = "[...document.querySelectorAll('main > section:not(#ds-phases) details > :not(summary)')]"
    needless = ".ds-all, .ds-again, .parameters"
    heights = f"{inside}.filter(one => !one.closest('{needless}')).map(one => one.getBoundingClientRect().height)"
    found = page.evaluate(heights)
    assert len(found) > 20 and all(height > 0 for height in found)
    assert page.locator(".phase h2").first.is_visible() and not page.locator(".phase .notebook").first.is_visible()
    assert page.get_by_text("each phase has a page of its own").is_visible()
    assert not any(one.is_visible() for one in page.locator(needless).all())
    page.goto((folder / "phases" / "05_accuracy.html").as_uri())
    assert page.evaluate("document.querySelectorAll('.notebook .ds-card').length") > 0
    assert page.locator(".notebook .ds-card").first.is_visible()
    page.close()


def test_a_link_to_a_check_opens_the_phase_it_stands_in(browser: Browser, folder: Path) -> None:
    page = browser.new_page()
    page.goto((folder / "report.html").as_uri())
    card = page.locator("#null_hashes")
    assert not card.is_visible()
    page.locator("#ds-passes summary", has_text="04 Deduplication").click()
    page.locator('#ds-passes a[href="#null_hashes"]').click()
    assert card.is_visible() and page.evaluate("location.hash") == "#null_hashes"
    assert -1 < (card.bounding_box() or {"y": -1})["y"] < 720  # a browser scrolls by whole pixels
    page.locator('.strip a[href="#ds-phase-07_performance"]').click()
    page.locator("#ds-phase-07_performance .prose").first.wait_for()  # until it can be seen
    page.close()


def test_the_report_is_whole_without_javascript(browser: Browser, folder: Path) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto((folder / "report.html").as_uri())
    assert page.locator(".banner h1").is_visible() and page.locator("#ds-failures .ds-card").first.is_visible()
    fold = page.locator("details.phase").nth(6)
    fold.locator("> summary").click()
    assert fold.locator(".prose").first.is_visible()
    context.close()


def test_what_is_focused_can_be_seen(browser: Browser, folder: Path) -> None:
    """Every stop of the tab key is in view and outlined, in the order of the page."""
    page = browser.new_page()
    page.goto((folder / "report.html").as_uri())
    seen, tops = set(), []
    for _ in range(60):
        page.keyboard.press("Tab")
        name, outline, top = page.evaluate(
            """() => { const one = document.activeElement; return [one.outerHTML.slice(0, 200),
                getComputedStyle(one).outlineStyle, one.getBoundingClientRect().top + scrollY] }"""
        )
        assert outline != "none", name
        seen.add(name)
        tops.append(top)
    assert len(seen) > 30
    assert sum(after < before - 400 for before, after in pairwise(tops[1:])) == 0
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_told_from_the_paper(browser: Browser, folder: Path, scheme: Literal["light", "dark"]) -> None:
    """The contrast of what is really drawn: each text against the nearest ground that has a colour."""
    page = browser.new_page(color_scheme=scheme)
    page.goto((folder / "report.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    assert page.evaluate(CONTRAST) == []
    page.close()


CONTRAST = """() => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const channels = colour => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = colour => channels(colour).slice(0, 3).map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, place) => sum + v * [0.2126, 0.7152, 0.0722][place], 0);
    const ground = one => {
        for (let at = one; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (channels(colour)[3] === 255) return colour;
        }
        return 'white';
    };
    const faint = new Set();
    for (const one of document.querySelectorAll('body *')) {
        if (![...one.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
        if (!one.getClientRects().length) continue;
        const [dark, bright] = [light(getComputedStyle(one).color), light(ground(one))].sort((a, b) => a - b);
        if ((bright + 0.05) / (dark + 0.05) < 4.5) faint.add(one.className + ' ' + one.tagName);
    }
    return [...faint];
}"""


def test_every_part_has_a_name_for_those_who_do_not_see_it(browser: Browser, folder: Path) -> None:
    """Landmarks, headings and links as the browser tells them to a screen reader."""
    page = browser.new_page()
    page.goto((folder / "report.html").as_uri())
    assert page.get_by_role("banner").count() == page.get_by_role("main").count() == 1
    assert page.get_by_role("heading", level=1).count() == 1
    navigations = [one.get_attribute("aria-label") for one in page.get_by_role("navigation").all()]
    assert navigations == ["Phases", "On this page"]
    titles = [one.inner_text() for one in page.get_by_role("heading", level=2).all()]
    assert titles[2:5] == ["Success criteria", "What failed", "What is not known"]
    assert all(link.inner_text().strip() for link in page.get_by_role("link").all()[:80])
    page.close()
