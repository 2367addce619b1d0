"""What of a notebook's outputs may stand on a page: pictures, cleaned HTML and plain text, and nothing else.

A kernel that reads hostile data can put anything into an output. So nothing is taken over as it is: pictures are
decoded and encoded anew, HTML passes an allow-list without styles, links, ids or the classes of verdicts, and
everything else is text. Verdicts are never read from here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from dsaudit.verdict.card import visible, words
from dsaudit.wording import class_name

PNG = b"\x89PNG\r\n\x1a\n"
MOST_TEXT = 20_000  # characters of plain text
MOST_HTML = 500_000
MOST_PICTURE = 10_000_000  # bytes

_TABLES = {"table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "th", "td"}
_WORDS = {"p", "br", "wbr", "hr", "b", "strong", "i", "em", "code", "pre", "small", "sub", "sup", "kbd", "span", "div"}
_LISTS = {"ul", "ol", "li", "dl", "dt", "dd", "details", "summary", "blockquote"}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
# What stands inside of these is code or markup for something else, and would be noise as text.
_DROPPED = {"script", "style", "iframe", "object", "svg", "math", "template", "noscript", "textarea", "title", "select"}
_CLASSES = {
    "div": {"ds-table", "ds-scroll"},
    "th": {"ds-number"},
    "td": {"ds-number", "ds-masked"},
    "p": {"ds-small", "ds-why"},
    "span": {"ds-small", "ds-masked"},
}
_SPANS = {"th": {"scope", "colspan", "rowspan", "data-of"}, "td": {"colspan", "rowspan", "data-of"}}


def cleaned(html: str) -> str:
    """Return HTML of an output as it may stand on a page."""
    import nh3

    if len(html) > MOST_HTML:
        return note(f"An output of {len(html)} characters is left out; it is in the executed notebook.")
    return nh3.clean(
        html,
        tags=_TABLES | _WORDS | _LISTS,
        clean_content_tags=_DROPPED,
        attributes=_SPANS,
        allowed_classes=_CLASSES,
        link_rel=None,
    )


def markdown(source: str, lower: int = 1) -> str:
    """Return a markdown cell as HTML, its headings so many levels lower, since the page has titles of its own."""
    import nh3
    from nbconvert.filters import markdown2html

    html = nh3.clean(
        markdown2html(source),
        tags=_TABLES | _WORDS | _LISTS | _HEADINGS | {"a"},
        clean_content_tags=_DROPPED,
        attributes={**_SPANS, "a": {"href"}},
        url_schemes={"https"},
        url_relative="deny",
        link_rel="noopener noreferrer",
    )
    html = re.sub(r"<a[^>]*>¶</a>", "", html)  # the mark that nbconvert sets beside each heading
    return re.sub(r"<(/?)h([1-6])>", lambda tag: f"<{tag[1]}h{min(int(tag[2]) + lower, 6)}>", html)


def picture(encoded: Any, metadata: Any) -> str:
    """Return a PNG as HTML; of its metadata only the text for those who do not see it is kept."""
    try:
        content = base64.b64decode(re.sub(r"[\r\n]", "", _text(encoded)), validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content.startswith(PNG) or len(content) > MOST_PICTURE:
        return note("A picture that is no PNG is left out.")
    given = metadata if isinstance(metadata, Mapping) else {}
    own = given.get("image/png")
    alternative = (own if isinstance(own, Mapping) else given).get("alt")
    text = words(alternative) if isinstance(alternative, str) and alternative else "A plot without a description"
    told = text.partition(": ")[2]  # what stands out, behind the plot's title
    caption = f'<figcaption aria-hidden="true">{told[0].upper()}{told[1:]}</figcaption>' if told else ""
    shown = base64.b64encode(content).decode()
    return f'<figure>{caption}<img alt="{text}" src="data:image/png;base64,{shown}"></figure>'


def plain(text: Any) -> str:
    """Return text as text: escaped, without a terminal's colours, misleading characters written out."""
    from html import escape

    from nbconvert.filters import strip_ansi

    shown = visible(strip_ansi(_text(text)), MOST_TEXT, keep="\n\t\u2009")
    return f"<pre>{escape(shown)}</pre>" if shown.strip() else ""


def stopped(name: Any, notebook: str) -> str:
    """Return a note on an exception: its kind, and where the rest is, since its text could quote the data."""
    kind = class_name(name, "An exception")
    return note(f"{kind} stopped this cell. Its traceback could quote the data; it is in {notebook}.")


def note(text: str) -> str:
    """Return a remark of ours in place of an output."""
    return f'<p class="note">{words(text)}</p>'


def _text(value: Any) -> str:
    """Return text that a notebook may hold as a list of lines."""
    if isinstance(value, list):
        return "".join(str(line) for line in value)
    return value if isinstance(value, str) else ""


def data(bundle: Mapping[str, Any], metadata: Any) -> str:
    """Return the richest form of an output that may stand on a page."""
    if "image/png" in bundle:
        return picture(bundle["image/png"], metadata)
    if "text/html" in bundle:
        return cleaned(_text(bundle["text/html"]))
    if "text/plain" in bundle and len(bundle) == 1:
        return plain(bundle["text/plain"])
    kinds = ", ".join(sorted(str(kind) for kind in bundle if kind != "text/plain")) or "nothing"
    return note(f"An output of a kind that a report does not show is left out: {kinds}.")
