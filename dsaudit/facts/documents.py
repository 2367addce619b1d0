"""The integration's documents: where they are, which words they hold, what their diagrams show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dsaudit.facts.webhooks import ENDINGS, action, ending, group
from dsaudit.parameters import Parameters
from dsaudit.parameters.models import DOCUMENTS
from dsaudit.parameters.models import Document as Kind

FENCE = re.compile(r"^ {0,3}(```+|~~~+)[ \t]*(\w*)[^\n]*\n(.*?)(?:^ {0,3}\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
IMAGE = re.compile(r"!\[[^\]]*\]\(\s*<?([^)\s>]+)|<img\b[^>]*\bsrc=[\"']([^\"']+)", re.IGNORECASE)
# A line with one of these does not claim that a topic is in use.
DENIED = re.compile(
    r"\b(no|not|none|never|without|missing|skip\w*|add|monitor|recommend\w*|plan\w*|remov\w+|retired|unavailable)\b",
    re.IGNORECASE,
)
# How an erDiagram ties two entities: ``a ||--o{ b``, or in words, ``a only one to zero or more b``.
TIE = re.compile(r"[|}][|o](--|\.\.)[|o][|{]|to")
ALIAS = re.compile(r"""([\w.-]+)\[["']?([^\]"']+)["']?\]""")


@dataclass(frozen=True)
class Document:
    """One document; `text` is empty where it is missing, and `problem` says why."""

    kind: str
    name: str
    text: str
    problem: str | None

    @property
    def prose(self) -> str:
        """The text without its blocks of code."""
        return FENCE.sub("", self.text)

    @property
    def lines(self) -> list[str]:
        """Its lines; those of blocks of code are empty, so that the others keep their numbers."""
        return FENCE.sub(lambda found: "\n" * found[0].count("\n"), self.text).splitlines()

    def names(self, word: str) -> bool:
        """Return whether `word` stands in it whole: ``_`` is part of a word, and so is the case."""
        # A topic or path must not be the end of a longer one, as create is of test/orders/create.
        before = r"(?<!\w)(?<!\w[./])" if re.search(r"[./]", word) else r"(?<!\w)"
        return re.search(rf"{before}{re.escape(word)}(?!\w)", self.text) is not None

    def tells_of(self, thing: str) -> bool:
        """Return whether it speaks of a thing in any of its forms."""
        return tells_of(self.text, thing)

    def tells_of_topic(self, resource: str, topic: str) -> bool:
        """Return whether one line names a resource and what happens to it, as ``| Orders | create, update |`` does."""
        happens = ENDINGS.get(action(topic) or "", {ending(topic)})
        return any(
            any(tells_of(line, thing) for thing in (resource, group(topic)))
            and any(tells_of(line, word) for word in happens)
            for line in self.prose.splitlines()
        )

    def claimed_topics(self, known: Iterable[str]) -> list[str]:
        """Return its words that are built like the `known` topics, but for lines that deny that a topic is in use."""
        groups, endings = {group(topic) for topic in known}, {ending(topic) for topic in known}
        endings |= {one for listed in ENDINGS.values() for one in listed}
        pattern = rf"(?<![\w./])(?:{_either(groups)})[/.:](?:{_either(endings)})(?!\w|[/.]\w)"
        lines = [line for line in self.prose.splitlines() if groups and not DENIED.search(re.sub(pattern, "", line))]
        return [found[0] for line in lines for found in re.finditer(pattern, line)]


def tells_of(text: str, thing: str) -> bool:
    """Return whether a text speaks of ``gift_card`` in any of its forms: gift cards, Gift-card, gift_card."""
    *first, last = (re.escape(part) for part in thing.split("_"))
    ending = rf"{last[:-1]}(?:y|ies)" if last.endswith("y") else rf"{last}(?:s|es)?"
    return re.search(rf"(?<!\w){'[ _-]'.join([*first, ending])}(?!\w)", text, re.IGNORECASE) is not None


def _either(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


def documents(parameters: Parameters) -> dict[Kind, Document]:
    """Return the four documents by their kind; the name of one that the file does not name starts with the provider."""
    assert parameters.documents is not None
    folder = parameters.folder(parameters.documents.folder)
    start = Path(parameters.provider or parameters.integration).stem
    names = {kind: parameters.documents.files.get(kind, f"{start}_{kind}.md") for kind in DOCUMENTS}
    return {kind: _read(kind, folder, name) for kind, name in names.items()}


def _read(kind: str, folder: Path, name: str) -> Document:
    try:
        text = (folder / name).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return Document(kind, name, "", "there is no such file")
    except OSError as error:
        return Document(kind, name, "", f"it cannot be read: {error.strerror}")
    return Document(kind, name, text, None if text.strip() else "it is empty")


def marked_words(text: str) -> Iterator[str]:
    """Yield what is marked as code, such as a table's name between backquotes."""
    yield from re.findall(r"`+([^`\n]+)`+", text)


def entities(document: Document) -> list[str] | None:
    """Return the entities in a document's mermaid ER diagrams, in order; None where there is no such diagram."""
    diagrams = [body for _, kind, body in FENCE.findall(document.text) if _is_diagram(kind, body)]
    return list(dict.fromkeys(name for body in diagrams for name in _entities(body))) if diagrams else None


def _is_diagram(kind: str, body: str) -> bool:
    return kind.lower() == "mermaid" and re.search(r"^\s*erDiagram\b", body, re.MULTILINE) is not None


def _entities(diagram: str) -> Iterator[str]:
    """Yield the entities of one diagram; one with an alias under its alias, which is what a reader sees."""
    drawn = re.split(r"^\s*erDiagram\b", diagram, maxsplit=1, flags=re.MULTILINE)[1]  # settings may stand before
    text = re.sub(r'%%.*|(?<=\s)\{(?:"[^"]*"|[^{}"])*\}', "", drawn)  # comments, and the columns of an entity
    aliases = dict(ALIAS.findall(text))
    for line in ALIAS.sub(r"\1", text).splitlines():
        words = re.findall(r'"[^"]+"|\S+', line.partition(":")[0])
        tied = len(words) > 2 and any(TIE.fullmatch(word) for word in words[1:-1])
        shown = [words[0], words[-1]] if tied else words if len(words) == 1 else []
        yield from (aliases.get(word.strip('"'), word.strip('"')) for word in shown)


def images(document: Document, folder: Path) -> list[str]:
    """Return the pictures that a document shows and that are there: on the web, or as a file beside it."""
    found = [first or second for first, second in IMAGE.findall(document.text)]
    return [one for one in found if re.match(r"https?://", one) or (folder / one.split("#")[0]).is_file()]
