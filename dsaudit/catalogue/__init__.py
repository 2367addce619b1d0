"""The catalogue: what is known of a provider's API, a file each, so that nobody has to look it up again.

A provider of one's own is one more file of the same keys; a parameter file or `dsaudit init` names its path.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from dsaudit.naming import one as singular_name
from dsaudit.parameters import ParameterError
from dsaudit.parameters.reading import read
from dsaudit.wording import did_you_mean

FOLDER = Path(__file__).parent
ACTIONS = ("create", "update", "delete")
KINDS = (*ACTIONS, "end", "other")


class ProviderError(Exception):
    """The catalogue has no file of this name, or it is broken; the message is one line."""


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_listed)]


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Topics(_Facts):
    """The topics that speak of one kind of object, by what they tell.

    ``end`` leads to a state that nothing leaves, ``other`` tells of no change of its own. ``impact`` is what a gap
    costs: high where money or stock are wrong then. ``scopes`` are those that a subscription needs.
    """

    create: list[str] = []
    update: list[str] = []
    delete: list[str] = []
    end: list[str] = []
    other: list[str] = []
    scopes: list[str] = []
    impact: Literal["high", "medium", "low"] = "low"

    @property
    def all(self) -> list[str]:
        """All of them, in the order of what they tell."""
        return [topic for kind in KINDS for topic in getattr(self, kind)]


class Object(_Facts):
    """One kind of object, under the name that a parameter file would give its resource.

    ``read`` and ``count`` are paths below the provider's ``prefix``; ``of`` names the object under which the list
    hangs, one list for each. ``topics`` names the entries under the file's ``topics``; without one ``no_webhooks`` says
    why there is none and what to do instead. ``never`` says which change the provider does not announce, and why.
    ``id``, ``created`` and ``known`` are as in a parameter file's resource.
    """

    read: str | None = None
    count: str | None = None
    of: str | None = None
    id: Names = []
    created: str | None = None
    scope: list[str] = []
    topics: Names = []
    no_webhooks: str | None = None
    never: dict[str, str] = {}
    known: dict[str, Any] = {}


class Signature(_Facts):
    """How a delivery is signed: with an HMAC of SHA-256, in a header.

    ``signs`` is what the signature covers, ``secret`` what the key is called. Where a time is signed too,
    ``tolerance_seconds`` is how old it may be by the provider's own libraries.
    """

    header: str
    signs: Literal["body", "time and body"]
    encoding: Literal["base64", "hex"]
    secret: str
    tolerance_seconds: int | None = None


class Delivery(_Facts):
    """How the provider sends: how long it waits for an answer, how often and for how many hours it tries.

    ``after`` says what becomes of a subscription or of later deliveries when it gave up, ``payload`` what state a late
    delivery shows. ``horizon_days``: what was not delivered can be listed for so long.
    """

    timeout_seconds: int | None = None
    attempts: int | None = None
    hours: int | None = None
    after: str | None = None
    payload: str | None = None
    id_header: str | None = None
    time_header: str | None = None
    horizon_days: int | None = None


class Subscribing(_Facts):
    """How topics are subscribed to: with a POST to ``path`` below the address, or by a person (``by_hand`` says where).

    ``body`` is JSON, for one topic; ``form`` has fields, that with ``{topic}`` once for each. ``{address}`` is where
    deliveries go. Without a path it is that of the list, ``source.subscriptions``. ``note`` says what else has to be
    known.
    """

    path: str = ""
    body: str = ""
    form: dict[str, str] = {}
    by_hand: str = ""
    note: str = ""


class Provider(_Facts):
    """A provider's facts; without a file they are none.

    ``sources`` has a link for each kind of fact, ``from_memory`` patterns of the facts that were not read again there
    (``order.read``, ``source.rate``). ``source`` holds keys of a parameter file's source, ``base_url`` and ``account``
    its address and what a tenant's account looks like there, ``updated`` and ``created`` where a record tells its
    times, ``scope`` what all objects need, ``other_scopes`` what none of these needs, ``token`` says for how long one
    lasts. ``{version}`` stands for ``version`` everywhere.
    """

    name: str = ""
    version: str = ""
    sources: dict[str, str] = {}
    from_memory: list[str] = []
    base_url: str | None = None
    account: str | None = None
    account_path: str | None = None
    prefix: str = ""
    suffix: str = ""
    id: str = "id"
    gid: str | None = None
    updated: str | None = None
    created: str | None = None
    scope: list[str] = []
    other_scopes: list[str] = []
    source: dict[str, Any] = {}
    signature: Signature | None = None
    subscribing: Subscribing = Subscribing()
    token: str = ""
    delivery: Delivery = Delivery()
    resources: dict[str, Object] = {}
    topics: dict[str, Topics] = {}
    key: str = Field(default="", exclude=True)  # the file's name

    @model_validator(mode="after")
    def _consistent(self) -> Provider:
        seen: dict[str, str] = {}
        for entry, topics in self.topics.items():
            for topic in topics.all:
                if topic in seen:
                    raise ValueError(f"topics.{entry}: {topic} stands under {seen[topic]} already")
                seen[topic] = entry
        for name, one in self.resources.items():
            for entry in one.topics:
                if entry not in self.topics:
                    raise ValueError(f"resources.{name}.topics: there is no {entry} under topics")
            if bool(one.topics) == bool(one.no_webhooks):
                raise ValueError(f"resources.{name}: name its topics, or say under no_webhooks why it has none")
        return self

    @property
    def scopes(self) -> set[str]:
        """All scopes that the file names."""
        needed = [*(one.scope for one in self.resources.values()), *(one.scopes for one in self.topics.values())]
        return {*self.scope, *self.other_scopes, *(scope for listed in needed for scope in listed)}

    def resource(self, name: str) -> Object:
        """Return what is known of one kind of object, nothing where it is not in the file."""
        return self.resources.get(name, Object())

    def webhooks(self, name: str) -> list[str]:
        """Return the topics that speak of a resource."""
        return [topic for one in self.resource(name).topics for topic in self.topics[one].all]

    def doubt(self, *path: str) -> str | None:
        """Return why a fact is not certain: it was not read again at its source. None for the others."""
        is_doubted = any(fnmatchcase(".".join(path), pattern) for pattern in self.from_memory)
        return f"from the catalogue, not read again in {self.name}'s documentation" if is_doubted else None

    @cached_property
    def _speaks_of(self) -> dict[str, str]:
        """Our name of what each topic speaks of, and of what others of its group would."""
        ours = {entry: name for name, one in self.resources.items() for entry in one.topics}
        found: dict[str, str] = {}
        for entry, topics in self.topics.items():
            for topic in topics.all:
                name = ours.get(entry) or singular_name(group(topic))
                found[topic] = name
                found.setdefault(group(topic), name)
        return found

    def grouped(self, topics: Iterable[str]) -> dict[str, list[str]]:
        """Return `topics` by what each speaks of, in their order."""
        found: dict[str, list[str]] = {}
        for topic in topics:
            name = self._speaks_of.get(topic) or self._speaks_of.get(group(topic)) or singular_name(group(topic))
            found.setdefault(name, []).append(topic)
        return found


def group(topic: str) -> str:
    """Return what stands before a topic's last word: ``orders`` of ``orders/create``."""
    return topic[: max(topic.rfind(sign) for sign in "/.:")] if any(sign in topic for sign in "/.:") else topic


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
        return read(path, Provider).model_copy(update={"key": path.stem})
    except ParameterError as error:
        raise ProviderError(str(error)) from None
