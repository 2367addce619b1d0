"""Reads a page back: its elements in order, and what of it could act."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

# What pages of ours consist of; anything else came in from outside.
OURS = set(
    re.findall(
        r"\w+",
        """html head meta title style body header main section nav footer a h1 h2 h3 h4 h5 h6 p ul ol li dl dt dd div
        span table caption colgroup col thead tbody tfoot tr th td details summary pre code b strong i em small sub sup
        kbd br wbr hr blockquote figure figcaption img time""",
    )
)
ATTRIBUTES = set(
    re.findall(
        r"[\w-]+",
        """lang charset http-equiv content name class id href rel src alt scope colspan rowspan role aria-label
        aria-hidden aria-current datetime data-of""",
    )
)


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]


@dataclass
class Page(HTMLParser):
    text: str
    elements: list[Element] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def having(self, *classes: str) -> list[Element]:
        """The elements with all of some classes."""
        return [one for one in self.elements if set(classes) <= set(one.attributes.get("class", "").split())]

    def structure(self) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
        """All elements with their attributes: equal for pages that differ in their words alone.

        Where a word may be broken, and under which title a cell stands, follows the words.
        """
        return [
            (one.tag, tuple(sorted(item for item in one.attributes.items() if item[0] != "data-of")))
            for one in self.elements
            if one.tag != "wbr"
        ]


def dangers(text: str) -> list[str]:
    """What of a page could run, load, lead away or restyle; empty for a page of ours."""
    found = []
    for one in Page(text).elements:
        attributes = one.attributes
        strange = sorted(set(attributes) - ATTRIBUTES)
        found += [f"<{one.tag}>"] * (one.tag not in OURS) + [f"<{one.tag} {name}>" for name in strange]
        if urlsplit(attributes.get("href", "")).scheme:
            found.append(f"<{one.tag} href={attributes['href']}>")
        if not attributes.get("src", "data:image/png;base64,").startswith("data:image/png;base64,"):
            found.append(f"<{one.tag} src={attributes['src']}>")
        if one.tag == "meta" and attributes.get("http-equiv", "Content-Security-Policy") != "Content-Security-Policy":
            found.append(f"<meta http-equiv={attributes['http-equiv']}>")
    return found
