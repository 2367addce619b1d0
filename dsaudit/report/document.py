"""The page around everything: its head, its one style sheet and the policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from dsaudit.verdict import card

HERE = Path(__file__).parent


@cache
def styles() -> str:
    """Return the one style sheet of a page: the cards' and the page's own."""
    return f"{card.styles()}\n{(HERE / 'page.css').read_text(encoding='utf-8').strip()}"


def policy() -> str:
    """Return what a page may load: its own style sheet, named by its digest, and pictures that stand in the page."""
    digest = base64.b64encode(hashlib.sha256(styles().encode()).digest()).decode()
    return f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def document(title: str, banner: str, main: str) -> str:
    """Return a whole page. `title` is text, the rest HTML; nothing of a notebook gets into `banner`.

    The policy comes before everything that it governs, or it would not hold for it.
    """
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy()}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{card.words(title)}</title>
<style>{styles()}</style>
</head>
<body>
<a class="skip" href="#ds-main">Skip to the findings</a>
{banner}
<main id="ds-main">
{main}
</main>
</body>
</html>
"""
