"""Opens pages in Chromium, does all that a reader could do, and tells what happened that should not."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, Request

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MOST_CLICKS = 150

# What looks like a verdict where data stands: a card that is of no check or a second one of it, a badge outside of one.
FORGED = """known => {
    const cards = [...document.querySelectorAll('.ds-card')].filter(one => !one.parentElement.closest('.ds-card'));
    const ours = new Set(cards.map(one => one.id).filter(id => known.includes(id)));
    const loose = [...document.querySelectorAll('.output :is(.ds-badge, .ds-pass, .ds-status, .banner)')];
    // The report repeats a verdict where the notebook showed it, with the way to its card.
    const leads = one => one.closest('.elsewhere')?.querySelector('a')?.hash.slice(1);
    return cards.length - ours.size + loose.filter(one => !one.closest('.ds-card') && !ours.has(leads(one))).length;
}"""
COVERED = """() => [...document.querySelectorAll('.banner h1, .banner .decision, .banner .counts')].filter(one => {
    const box = one.getBoundingClientRect();
    if (box.top > innerHeight || !box.width) return !box.width;
    const top = document.elementFromPoint(box.left + Math.min(30, box.width / 2), box.top + box.height / 2);
    return !top || !top.closest('.banner');
}).length"""
# What leaves its place and could lie over something else; the heads of our long tables stay in sight in their box.
OVERLAYS = """() => [...document.querySelectorAll('body *')].filter(one =>
    ['fixed', 'absolute', 'sticky'].includes(getComputedStyle(one).position)
    && !one.matches('.ds-scroll thead th, .skip')
).length"""


@dataclass
class Seen:
    """What a page did that a document does not do."""

    scripts: int = 0
    requests: list[str] = field(default_factory=list)
    navigations: list[str] = field(default_factory=list)
    overlays: int = 0
    forged: int = 0
    covered: int = 0

    def add(self, other: Seen) -> None:
        """Add what another page did."""
        self.scripts += other.scripts
        self.requests += other.requests
        self.navigations += other.navigations
        self.overlays += other.overlays
        self.forged += other.forged
        self.covered += other.covered


def seen(browser: Browser, path: Path, checks: Sequence[str] = ()) -> Seen:
    """Open a page, unfold everything, move over it and click what can be clicked.

    Of a page of ours verdicts that are forged are counted too: all that are not of one of its `checks`.
    """
    found = Seen()
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    own = path.as_uri()

    def asked(request: Request) -> None:
        address = request.url.split("#")[0]
        if address.startswith("data:image/png") or address == own:
            return
        if request.is_navigation_request() and request.frame == page.main_frame:
            found.navigations.append(address)
        else:
            found.requests.append(address)

    def said(message: ConsoleMessage) -> None:
        found.scripts += message.text == "HIT"

    page.on("request", asked)
    page.on("console", said)
    page.on("dialog", lambda dialog: dialog.dismiss())
    context.on("page", lambda other: found.navigations.append(other.url))
    context.set_offline(True)
    page.goto(own, wait_until="load")
    page.wait_for_timeout(300)
    if page.url.split("#")[0] == own:
        _look(page, found, checks)
        _touch(page)
    page.wait_for_timeout(300)
    context.close()
    return found


def _look(page: Page, found: Seen, checks: Sequence[str]) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    page.evaluate("scrollTo(0, 0)")
    found.overlays += page.evaluate(OVERLAYS)
    found.covered += page.evaluate(COVERED)
    if checks:
        found.forged += page.evaluate(FORGED, list(checks))


def _touch(page: Page) -> None:
    """Hover and click as a mouse does; of links of ours only that they lead to pages of ours is of interest."""
    page.evaluate(
        """most => {
            const all = [...document.querySelectorAll('body *')];
            for (const one of all)
                for (const kind of ['mouseover', 'mouseenter', 'focus', 'pointerover'])
                    one.dispatchEvent(new MouseEvent(kind, {bubbles: true, view: window}));
            const links = all.filter(one => one.matches('a, button, input, area, form, [onclick], svg *, math'));
            const leads = one => one.getAttribute('href') || '';
            const ours = one => one.matches('a') && /^(#|[\\w./-]+\\.(html|md)(#|$))/.test(leads(one));
            for (const one of links.filter(one => !ours(one)).slice(0, most))
                try { one.click ? one.click() : one.dispatchEvent(new MouseEvent('click', {bubbles: true})) } catch {}
            for (const form of document.forms) try { form.requestSubmit() } catch {}
        }""",
        MOST_CLICKS,
    )


def strange_links(page: Page) -> list[str]:
    """Return where a page's links lead that is neither in it nor in the run's folder."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('a, area')].map(one => one.getAttribute('href') || '').filter(href =>
            !/^(#[\\w-]*|(\\.\\.\\/)?[\\w./-]+\\.(html|md)(#[\\w-]*)?)$/.test(href))"""
    )
    return found
