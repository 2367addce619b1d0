"""Comments of the code: blocks that hold given words, and notes that a resource has no webhooks of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from dsaudit.codebase.model import Code, Comment, Module

NOTE = re.compile(
    r"(?:^|\bnotes?\s*:\s*|[.;]\s+)(?P<resource>[\w`'\"][\w`'\" ,&/-]*?)\s+"
    r"(?:(?:does|do)(?:\s+not|n['’]t)\s+have|(?:has|have)(?:n['’]t)?|lacks?)\s+(?P<none>no\s+|any\s+)?"
    r"(?:dedicated\s+|own\s+|separate\s+)*webhooks?\b",
    re.IGNORECASE,
)
OWNER = re.compile(
    r"(?:via|through|by|with|from|inside|in)\s+(?:(?:the|its|their|a|an|parent)\s+)*"
    r"(?P<parent>[\w`]+(?:\s+[\w`]+)?)\s+(?:webhooks?|events?|topics?)\b",
    re.IGNORECASE,
)
BATCH = re.compile(
    r"(?:read|fetched|synced|loaded|stored|comes?|arrives?)\s+(?:together\s+)?(?:with|via|through|from|inside|in|by)\s+"
    r"(?:(?:the|its|their|a|an|each|every|parent)\s+)*(?P<parent>\w+)",
    re.IGNORECASE,
)
POLLING = re.compile(r"\bpoll(?:ing|ed|s)?\b", re.IGNORECASE)
VERIFIED = re.compile(r"\bverified(?:\s+on)?\s*:?\s*(?P<rest>.+)", re.IGNORECASE)
SOURCE = re.compile(r"\b(?:source|see|docs?|reference|link)\s*:\s*(?P<link>\S+)|(?P<url>https?://\S+)", re.IGNORECASE)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}\.?\s+[A-Za-z]{3,9}\.?\s+\d{4}|[A-Za-z]{3,9}\s+\d{1,2},\s*\d{4}")
FORMATS = ("%Y-%m-%d", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y")
PLACEHOLDER = re.compile(r"^[{<\[]")


@dataclass(frozen=True)
class Block:
    """Comments on lines of their own that follow each other; `lines` are their texts."""

    file: str
    line: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The block as one line."""
        return " ".join(line for line in self.lines if line)


@dataclass(frozen=True)
class DocumentedException:
    """A note that a resource has no webhooks of its own.

    `parent` is what it is read with instead, or `polling`; `missing` names the parts that the note lacks.
    """

    resource: str
    parent: str | None
    verified: date | None
    source: str | None
    file: str
    line: int
    missing: tuple[str, ...]


def documented_exceptions(code: Code, file: str | None = None) -> list[DocumentedException]:
    """The notes that a resource has no webhooks of its own, one for each resource named, by file and line."""
    notes: list[DocumentedException] = []
    for module in code.in_file(file):
        for block in _blocks(module):
            match = NOTE.search(block.text)
            if match is not None and _denies(match):
                notes.extend(_note(block, match))
    return sorted(notes, key=lambda note: (note.file, note.line, note.resource))


def _blocks(module: Module) -> Iterator[Block]:
    lines: list[Comment] = []
    for line in sorted(module.comments):
        comment = module.comments[line]
        if lines and (not comment.alone or comment.line != lines[-1].line + 1):
            yield Block(module.file, lines[0].line, tuple(one.text for one in lines))
            lines = []
        if comment.alone:
            lines.append(comment)
    if lines:
        yield Block(module.file, lines[0].line, tuple(one.text for one in lines))


def _denies(match: re.Match[str]) -> bool:
    """Whether the sentence says that there are none: `has webhooks` does not, `has no webhooks` does."""
    verb = match.group(0).lower()
    return any(word in verb for word in ("not have", "n't have", "n’t have", "hasn", "haven", "lack", " no "))


def _note(block: Block, match: re.Match[str]) -> Iterator[DocumentedException]:
    verified = next((_date(found["rest"]) for line in block.lines if (found := VERIFIED.search(line))), None)
    source = next((found["link"] or found["url"] for line in block.lines if (found := SOURCE.search(line))), None)
    if source is not None and (PLACEHOLDER.match(source) or not re.search(r"[./]", source)):
        source = None
    for resource in re.split(r"\s*(?:,|&|/|\band\b)\s*", match["resource"]):
        name = re.sub(r"^(?:the|a|an|note)\s+", "", resource.strip(" `'\""), flags=re.IGNORECASE)
        if not name or PLACEHOLDER.match(name):
            continue
        parent = _parent(block.text[match.end() :], name)
        parts = {"parent": parent, "date": verified, "source": source}
        lacking = tuple(part for part, value in parts.items() if value is None)
        yield DocumentedException(name, parent, verified, source, block.file, block.line, lacking)


def _parent(text: str, resource: str) -> str | None:
    """What the resource comes with instead; `polling` where it is asked for by itself."""
    for pattern in (OWNER, BATCH):
        for match in pattern.finditer(text):
            if _plain(match["parent"]) != _plain(resource) and not POLLING.search(match["parent"]):
                return match["parent"]
    return "polling" if POLLING.search(text) else None


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower().removesuffix("s")


def _date(text: str) -> date | None:
    found = DATE.search(text)
    for pattern in FORMATS if found else ():
        try:
            return datetime.strptime(re.sub(r"(?<=\w)\.", "", found[0]), pattern).date()  # type: ignore[index]
        except ValueError:
            continue
    return None
