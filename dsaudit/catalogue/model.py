"""What a file of the catalogue may say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date
from fnmatch import fnmatchcase
from functools import cached_property
from string import Formatter
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from dsaudit.naming import one as singular_name
from dsaudit.parameters.section import Misplaced, Names, PastDay, Pattern, Section

ACTIONS = ("create", "update", "delete")
KINDS = (*ACTIONS, "end", "other")
# What an envelope may name: the delivery's id and times, its topic before and behind the last sign, whose record it is.
PLACES = {"id", "time", "seconds", "topic", "group", "ending", "account", "source_id", "record"}


class Topics(Section):
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

    def renamed(self, names: Mapping[str, str]) -> Topics:
        """Return the same topics, those in `names` called as it says."""
        told = {kind: [names.get(topic, topic) for topic in getattr(self, kind)] for kind in KINDS}
        return self.model_copy(update=told)


class Spelling(Section):
    """Another way of writing all topics, in use since a day: QuickBooks' CloudEvents, the names in Shopify's GraphQL.

    ``form`` puts together what stands before a topic's last sign, ``{object}``, and behind it, ``{change}``, which
    ``words`` may translate; ``case`` is what is made of both.
    """

    form: str
    case: Literal["lower", "upper", "as it is"] = "as it is"
    words: dict[str, str] = {}
    since: date | None = None

    @field_validator("form")
    @classmethod
    def _has_both(cls, form: str) -> str:
        try:
            places = {name for _, name, _, _ in Formatter().parse(form) if name is not None}
        except ValueError:
            places = set()
        if places != {"object", "change"}:
            raise ValueError(f"{form} has to hold {{object}} and {{change}}, and no other place")
        return form

    def of(self, topic: str) -> str:
        """Return how a topic is written in this way."""
        what, change = group(topic), topic[len(group(topic)) + 1 :]
        return self.form.format(object=self._cased(what), change=self._cased(self.words.get(change, change)))

    def _cased(self, word: str) -> str:
        return word.lower() if self.case == "lower" else word.upper() if self.case == "upper" else word


class Object(Section):
    """One kind of object, under the name that a parameter file would give its resource.

    ``read`` and ``count`` are paths below the provider's ``prefix``; ``of`` names the object under which the list
    hangs, one list for each. ``topics`` names the entries under the file's ``topics``; without one ``no_webhooks`` says
    why there is none and what to do instead. ``never`` says which change the provider does not announce, and why.
    ``id``, ``created`` and ``known`` are as in a parameter file's resource; ``known.aged`` is a partial grant: a scope
    without which the older records are hidden. ``hides`` says of other scopes what each opens, where it is less than
    all. ``impact`` is what a gap costs where no topic says so.
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
    hides: dict[str, str] = {}
    impact: Literal["high", "medium", "low"] = "low"


class Signature(Section):
    """How a delivery is signed: with an HMAC of SHA-256, in a header.

    ``signs`` is what the signature covers, ``secret`` what the key is called. Where a time is signed too,
    ``tolerance_seconds`` is how old it may be by the provider's own libraries.
    """

    header: str
    signs: Literal["body", "time and body"]
    encoding: Literal["base64", "hex"]
    secret: str
    tolerance_seconds: int | None = None


class Delivery(Section):
    """How the provider sends: how long it waits for an answer, how often and for how many hours it tries.

    ``after`` says what becomes of a subscription or of later deliveries when it gave up, ``payload`` what state a late
    delivery shows. ``log`` is the path of the list of what was sent or not delivered, ``no_log`` says why there is none
    (see `source.deliveries` of a parameter file). ``horizon_days``: what was not delivered can be listed for so long.

    ``envelope`` is what a delivery's body holds around the record, with the names of `PLACES` in braces; without it the
    record is the body.
    """

    timeout_seconds: int | None = None
    attempts: int | None = None
    hours: int | None = None
    after: str | None = None
    payload: str | None = None
    id_header: str | None = None
    time_header: str | None = None
    topic_header: str | None = None
    account_header: str | None = None
    envelope: dict[str, Any] = {}
    log: str | None = None
    no_log: str | None = None
    horizon_days: int | None = None

    @field_validator("envelope")
    @classmethod
    def _of_known_places(cls, form: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(re.findall(r"\{(\w+)\}", json.dumps(form))) - PLACES)
        if unknown:
            raise ValueError(f"{{{unknown[0]}}} is none of {', '.join(sorted(PLACES))}")
        return form


class Call(Section):
    """What a call sends: ``body`` is JSON, for one topic; ``form`` has fields, that with ``{topic}`` once for each.

    ``{address}`` is where deliveries go.
    """

    method: Literal["POST", "PUT"] = "POST"
    body: str = ""
    form: dict[str, str] = {}


class Subscribing(Call):
    """How topics are subscribed to: by a call of ``path`` below the address, or by a person (``by_hand`` says where).

    Without a path it is that of the list, ``source.subscriptions``. One subscription has its id behind that path: there
    ``moving`` gives it another address, and DELETE removes it. ``note`` says what else has to be known.
    """

    path: str = ""
    by_hand: str = ""
    note: str = ""
    moving: Call = Call()


class Provider(Section):
    """A provider's facts; without a file they are none.

    ``sources`` has a link for each kind of fact, ``from_memory`` patterns of the facts that were not read again there
    (``order.read``, ``source.rate``). ``source`` holds keys of a parameter file's source, ``base_url`` and ``account``
    its address and what a tenant's account looks like there, ``updated`` and ``created`` where a record tells its
    times, ``scope`` what all objects need, ``other_scopes`` what none of these needs. ``{version}`` stands for
    ``version`` everywhere. ``includes`` says which scope, or pattern, is held by whoever holds another (``write_*:
    read_*``), ``untold`` why nobody can ask which were granted. ``spellings`` are other ways of writing the topics.
    ``as_of`` is the day on which these facts were last held against the provider's pages, ``added`` the day from which
    it has had what came later than the rest, as far as its pages tell: names of resources and topics. ``token`` says
    for how long one lasts.
    """

    name: str = ""
    version: str = ""
    as_of: PastDay | None = None
    sources: dict[str, str] = {}
    from_memory: list[str] = []
    base_url: str | None = None
    account: Pattern | None = None
    account_path: str | None = None
    prefix: str = ""
    suffix: str = ""
    id: str = "id"
    gid: str | None = None
    updated: str | None = None
    created: str | None = None
    scope: list[str] = []
    other_scopes: list[str] = []
    includes: dict[str, str] = {}
    untold: str | None = None
    source: dict[str, Any] = {}
    signature: Signature | None = None
    subscribing: Subscribing = Subscribing()
    token: str = ""
    delivery: Delivery = Delivery()
    resources: dict[str, Object] = {}
    topics: dict[str, Topics] = {}
    spellings: list[Spelling] = []
    added: dict[date, list[str]] = {}
    key: str = Field(default="", exclude=True)  # the file's name

    @model_validator(mode="after")
    def _consistent(self) -> Provider:
        seen: dict[str, str] = {}
        for entry, topics in self.topics.items():
            for topic in topics.all:
                if topic in seen:
                    raise Misplaced(("topics", entry), f"{topic} stands under {seen[topic]} already")
                seen[topic] = entry
        for name, one in self.resources.items():
            for entry in one.topics:
                if entry not in self.topics:
                    raise Misplaced(("resources", name, "topics"), f"there is no {entry} under topics")
            if bool(one.topics) == bool(one.no_webhooks):
                words = "name its topics, or say under no_webhooks why it has none"
                raise Misplaced(("resources", name), words)
        for day, name in ((day, name) for day, names in self.added.items() for name in names):
            if name not in seen and name not in self.resources:
                raise Misplaced(("added", str(day)), f"there is no resource and no topic {name}")
        return self

    @cached_property
    def kinds(self) -> dict[str, str]:
        """What each topic tells: create, update, delete, end or other."""
        return {topic: kind for one in self.topics.values() for kind in KINDS for topic in getattr(one, kind)}

    @property
    def scopes(self) -> set[str]:
        """All scopes that the file names."""
        needed = [*(one.scope for one in self.resources.values()), *(one.scopes for one in self.topics.values())]
        return {*self.scope, *self.other_scopes, *(scope for listed in needed for scope in listed)}

    def knows(self, topic: str) -> bool:
        """Return whether there is such a topic, in any way of writing."""
        return topic in self._plain

    def resource(self, name: str) -> Object:
        """Return what is known of one kind of object, nothing where it is not in the file."""
        return self.resources.get(name, Object())

    def webhooks(self, name: str) -> list[str]:
        """Return the topics that speak of a resource."""
        return [topic for one in self.resource(name).topics for topic in self.topics[one].all]

    def holds(self, given: Iterable[str], wanted: str) -> str | None:
        """Return which of the scopes `given` opens what the one `wanted` does: itself, or one that includes it."""
        given = list(given)
        return wanted if wanted in given else next((one for one in given if wanted in self._included(one)), None)

    def _included(self, scope: str) -> list[str]:
        found = [
            (re.fullmatch(re.escape(one).replace(r"\*", "(.*)"), scope), held) for one, held in self.includes.items()
        ]
        return [held.replace("*", "".join(match.groups())) for match, held in found if match]

    @cached_property
    def _plain(self) -> dict[str, str]:
        """Each way in which a topic is written, and the topic as the file has it."""
        topics = [topic for one in self.topics.values() for topic in one.all]
        return {one.of(topic): topic for one in self.spellings for topic in topics} | {topic: topic for topic in topics}

    @cached_property
    def _names(self) -> dict[str, str]:
        return {self._plain[topic]: topic for one in self.topics.values() for topic in one.all}

    def written(self, topic: str) -> list[str]:
        """Return all the ways in which a topic is written, the given one first; an unknown one has no other."""
        own = self._plain.get(topic)
        return list(dict.fromkeys([topic, *(name for name, plain in self._plain.items() if plain == own)]))

    def named(self, topic: str) -> str:
        """Return a topic, however it is written, as these facts have it; an unknown one as it is."""
        return self._names.get(self._plain.get(topic, topic), topic)

    def written_as(self, given: Iterable[str]) -> Provider:
        """Return the same facts with the topics that are `given` in another way of writing written like that."""
        names = {self._plain[topic]: topic for topic in given if topic in self._plain}
        told = {entry: one.renamed(names) for entry, one in self.topics.items()}
        copy = self.model_copy(update={"topics": told})
        vars(copy).pop("_names", None)  # as they were written before
        vars(copy).pop("_speaks_of", None)
        return copy

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
    """Return what stands before a topic's last word: ``orders`` of ``orders/create``; a version is no word."""
    bare = without_version(topic)
    return bare[: max(bare.rfind(sign) for sign in "/.:")] if any(sign in bare for sign in "/.:") else bare


def without_version(topic: str) -> str:
    """Return a topic without the version behind it: ``qbo.invoice.created`` of ``qbo.invoice.created.v1``."""
    return re.sub(r"[/.:]v\d+$", "", topic)
