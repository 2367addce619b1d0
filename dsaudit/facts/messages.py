"""Messages of errors as they may be shown: by the words that no data can have put there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dsaudit.database import Database
    from dsaudit.parameters import Parameters

# What programs and databases say when something goes wrong. A word that is neither here nor a name of a table, column
# or field could be a customer's, and is left out.
WORDS = frozenset(
    """
    a an and are as at be been before being but by can cannot could did do does done each for from had has have if in
    into is it its more must no none nor not of off on only or other out over than that the their then there these this
    to too two under until up was were when where which while who will with without would yet

    absent access affected again aborted allowed already ambiguous answer argument array attempt attempts attribute bad
    base64 because blank body boolean break broke broken busy byte bytes cancelled canceled cast change changed
    character characters check child closed code column columns command commit connect connection constraint contains
    convert copy corrupt could count create creates currency cycle data database date deadlock decimal decode default
    delete deleted denied detail detected digit digits disk division does double duplicate element elements empty
    encode encoding end entity error errors exceed exceeded exceeds exception exclusion executed exist exists expected
    expired fail failed failing fails failure false field fields file finite float follow forbidden foreign format
    found fraction full function gone half handle handler have hold holds host http id ids identifier ignored illegal
    import incompatible incomplete index infinite infinity input insert integer interface internal interval invalid
    item items json key keys known lack lacks large latin least length less limit line list lock locked long lost lower
    malformed map match maximum member memory message minimum missing module most move name named names nan needed
    negative neither network nil node nothing null number numbers numeric object objects offset older one open
    operation operator option order overflow owner page parent parse parser part partial password path pair payload
    pending permission place port position positive precision primary process processed property protocol query queue
    range rate raw read reason record recursion reference referenced references refine refined refinement refused
    refuses reject rejected relation remote repeated request required reset resource response restart result retried
    retry retries return returned role rollback row rows same scale schema seconds sequence serial server session set
    shape short signature size skipped slow small smallint socket space stack stale start state statement status still
    stopped storage store stored string surrogate syntax system table tables task tenant text time timed timeout
    timestamp timestamptz token too trace transaction trigger true truncated try tuple type types unable unavailable
    undefined unexpected unicode unique unit unknown unreachable unreadable unsupported update updated upsert url utf
    valid value values varchar variant varying version violate violated violates violation wait waiting waits whole wide
    worker write wrong year zero zone
    """.split()  # noqa: SIM905 - a list of four hundred strings reads worse
)
EXCEPTION = re.compile(r"[A-Z][A-Za-z]*(?:Error|Exception|Violation|Warning)")


def names(parameters: Parameters, database: Database) -> frozenset[str]:
    """Return the names that the integration itself gave: tables, columns, resources and their fields."""
    tables = database.catalogue().values()
    resources = parameters.resources
    fields = {part for one in resources.values() for field in one.fields.values() for part in field.from_.split(".")}
    columns = {column for table in tables for column in table.columns}
    return frozenset({*resources, *fields, *columns, *(table.name for table in tables)})


def template(message: str | None, known: frozenset[str]) -> str:
    """Return a message with only those words left in it that cannot come from the data."""
    if not message:
        return "no message"
    # What is quoted is a value or the name of something; a name is let through by itself.
    told: list[str] = []
    for gap, part in re.findall(r"(\s*)([^\W\d]\w*|\d+(?:[.,:]\d+)*|[^\w\s])", message[:500]):
        shown = _shown(part, known)
        if not (shown == "…" and told and told[-1].endswith("…")):
            told.append(f"{' ' if gap and told else ''}{shown}")
    return "".join(told)


def _shown(part: str, known: frozenset[str]) -> str:
    if part[0].isdigit():
        return "#"
    is_word = part[0].isalpha() or part[0] == "_"
    if not is_word:
        return part if part in ".,:;()[]'\"-+=<>/" else "…"
    return part if part.lower() in WORDS or part in known or EXCEPTION.fullmatch(part) else "…"
