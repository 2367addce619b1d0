"""The catalogue: what is known of a provider's API, a file each, so that nobody has to look it up again.

A provider of one's own is one more file of the same keys; a parameter file or `dsaudit init` names its path.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from dsaudit.catalogue.model import ACTIONS, KINDS, Object, Provider, Signature, group, without_version
from dsaudit.parameters import ParameterError, Parameters
from dsaudit.parameters.reading import read
from dsaudit.wording import did_you_mean

__all__ = [
    "ACTIONS",
    "KINDS",
    "Object",
    "Provider",
    "ProviderError",
    "Signature",
    "group",
    "known",
    "load",
    "of",
    "topics_of",
    "without_version",
]
FOLDER = Path(__file__).parent


class ProviderError(Exception):
    """The catalogue has no file of this name, or it is broken; the message is one line."""


def known() -> list[str]:
    """Return the names of the providers that have a file here."""
    return sorted(path.stem for path in FOLDER.glob("*.yml"))


def load(name: str | None) -> Provider:
    """Return a provider's facts by its name here or the path of a file, none where no provider is named.

    Raises
    ------
    ProviderError
        There is no such file, or it says something that the catalogue does not know.
    """
    if not name:
        return Provider()
    path = FOLDER / f"{name}.yml" if name in known() else Path(name)
    if path.suffix in (".yml", ".yaml") and not path.is_file():
        raise ProviderError(f"there is no file {name}")
    if path.suffix not in (".yml", ".yaml"):
        hint = did_you_mean(name, known(), f"there are {', '.join(known())}")
        raise ProviderError(f"the catalogue has no provider {name}, nor is it the path of a .yml file; {hint}")
    try:
        return _read(path, path.stat().st_mtime_ns)
    except ParameterError as error:
        raise ProviderError(str(error)) from None


@lru_cache(maxsize=8)
def _read(path: Path, changed: int) -> Provider:
    return read(path, Provider, key=path.stem)


def of(parameters: Parameters) -> Provider:
    """Return the facts of the provider that a parameter file names, with its topics written as they are there.

    None where it names no provider.

    Raises
    ------
    ProviderError
        There is no such file, or it says something that the catalogue does not know.
    """
    topics = [topic for one in parameters.whole.resources.values() for topic in one.webhooks]
    return load(parameters.provider_file).written_as(topics)


def topics_of(parameters: Parameters, resources: Iterable[str]) -> dict[str, str]:
    """Return the topics of `resources`, in all the ways in which the provider writes them, each with its resource."""
    try:
        written = of(parameters).written
    except ProviderError:
        written = Provider().written
    wanted = ((topic, name) for name in resources for topic in parameters.resources[name].webhooks)
    return {one: name for topic, name in wanted for one in written(topic)}
