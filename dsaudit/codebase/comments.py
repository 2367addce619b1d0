"""Notes in the code that a resource has no webhooks of its own: comments, docstrings, and mappings with the reasons."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from dsaudit.codebase.model import Code, Comment, Module
from dsaudit.codebase.reasons import reasons

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
    """Lines of prose that belong together: comments that follow each other, or a text that is no value."""

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
        for block in [*_blocks(module), *_texts(module)]:
            match = NOTE.search(block.text)
            if match is not None and _denies(match):
                parent = block.text[match.end() :]
                notes.extend(documented(match["resource"], block.lines, block.file, block.line, parent))
        for name, line, said in reasons(module):
            notes.extend(documented(name, said, module.file, line))
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


def _texts(module: Module) -> Iterator[Block]:
    """Docstrings, and texts that stand alone where a statement would: the other ways to comment a block of code.

    Each paragraph with a note begins a block of its own, so that one docstring may speak of several resources.
    """
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
            continue
        text = node.value.value
        if not isinstance(text, str) or "hook" not in text.lower():
            continue
        lines = [line.strip() for line in text.splitlines()]
        paragraphs = pairwise([0, *(place + 1 for place, line in enumerate(lines) if not line), len(lines)])
        notes = [start for start, end in paragraphs if _holds_note(lines[start:end])]
        for start, end in pairwise([*notes, len(lines)]):
            yield Block(module.file, node.lineno + start, tuple(lines[start:end]))


def _holds_note(lines: Sequence[str]) -> bool:
    found = NOTE.search(" ".join(lines))
    return found is not None and _denies(found)


def _denies(match: re.Match[str]) -> bool:
    """Whether the sentence says that there are none: `has webhooks` does not, `has no webhooks` does."""
    verb = match.group(0).lower()
    return any(word in verb for word in ("not have", "n't have", "n’t have", "hasn", "haven", "lack", " no "))


def documented(
    resources: str, lines: Sequence[str], file: str, line: int, parent: str | None = None
) -> Iterator[DocumentedException]:
    """What prose says of each of the `resources`; `parent` is the part of it that may name what they come with.

    The prose is known to say that they have no webhooks, whoever wrote it: a comment, or a document's table.
    """
    verified = next((_date(found["rest"]) for one in lines if (found := VERIFIED.search(one))), None)
    source = next((found["link"] or found["url"] for one in lines if (found := SOURCE.search(one))), None)
    if source is not None and (PLACEHOLDER.match(source) or not re.search(r"[./]", source)):
        source = None
    for resource in re.split(r"\s*(?:,|&|/|\band\b)\s*", resources):
        name = re.sub(r"^(?:the|a|an|note)\s+", "", resource.strip(" `'\""), flags=re.IGNORECASE)
        if not name or PLACEHOLDER.match(name):
            continue
        owner = _parent(" ".join(lines) if parent is None else parent, name)
        parts = {"parent": owner, "date": verified, "source": source}
        lacking = tuple(part for part, value in parts.items() if value is None)
        yield DocumentedException(name, owner, verified, source, file, line, lacking)


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
