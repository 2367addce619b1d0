"""The catalogue's file of a provider: what its API is like, so that nobody has to look it up again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from dsaudit.drafting import words
from dsaudit.wording import did_you_mean

FOLDER = Path(__file__).parent.parent / "catalogue"


class ProviderError(Exception):
    """The catalogue has no file of this name."""


@dataclass(frozen=True)
class Provider:
    """A provider's facts; without a file they are none."""

    key: str
    facts: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.facts.get("name", self.key))

    @property
    def resources(self) -> Mapping[str, Any]:
        """Its object types, each with what is known of it."""
        found: Mapping[str, Any] = self.facts.get("resources", {})
        return found

    @property
    def source(self) -> Mapping[str, Any]:
        """What the parameter file says under `source`."""
        found: Mapping[str, Any] = self.facts.get("source", {})
        return found

    def resource(self, name: str) -> Mapping[str, Any]:
        """Return what is known of one object type, nothing where it is not in the file."""
        found: Mapping[str, Any] = self.resources.get(name, {})
        return found

    def doubt(self, *path: str) -> str | None:
        """Return why a fact is not certain: it was not read again at its source. None for the others."""
        is_doubted = any(fnmatchcase(".".join(path), pattern) for pattern in self.facts.get("from_memory", ()))
        return f"from the catalogue, not read again in {self.name}'s documentation" if is_doubted else None

    def topics(self, known: Iterable[str]) -> dict[str, list[str]]:
        """Return those of `known` topics that speak of each object type, in their order."""
        groups: dict[str, str] = {}
        for name, facts in self.resources.items():
            for topic in facts.get("webhooks", ()):
                groups.setdefault(group(topic), name)
        found: dict[str, list[str]] = {}
        for topic in known:
            found.setdefault(groups.get(group(topic), words.one(group(topic))), []).append(topic)
        return found


def group(topic: str) -> str:
    """Return what stands before a topic's last word: ``orders`` of ``orders/create``."""
    return topic[: max(topic.rfind(sign) for sign in "/.:")] if any(sign in topic for sign in "/.:") else topic


def load(key: str | None) -> Provider:
    """Return a provider's facts, none where no provider is named.

    Raises
    ------
    ProviderError
        There is no such file in the catalogue.
    """
    if not key:
        return Provider("", {})
    path = FOLDER / f"{key}.yml"
    known = sorted(one.stem for one in FOLDER.glob("*.yml"))
    if key not in known:
        hint = did_you_mean(key, known, f"there are {', '.join(known)}; leave it out for another")
        raise ProviderError(f"--provider {key}: the catalogue has no such provider; {hint}")
    return Provider(key, yaml.safe_load(path.read_text(encoding="utf-8")))
