"""Drafts a parameter file from what can be seen: the database, the integration's code, the provider's catalogue.

Nothing is written here and nothing but the catalogue of the database is read whole: tables are sampled. What is not
certain is marked as a guess with its reason, and what could not be found is left open, so that a reader knows where to
look. Where nothing speaks of an integration, all tables are drafted for the blueprint `data_integrity`, or for
`partial_import` where migrations, alert rules, dashboards or metrics lie beside the code.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dsaudit import catalogue, codebase, naming
from dsaudit.database import Database
from dsaudit.database.shape import shapes
from dsaudit.drafting import (
    beside,
    describing,
    nesting,
    outside,
    refined,
    resources,
    roles,
    scheduled,
    sections,
    system,
)
from dsaudit.drafting import code as reading
from dsaudit.drafting.code import Told
from dsaudit.drafting.draft import Draft
from dsaudit.drafting.integrity import BLUEPRINT, put_integrity
from dsaudit.drafting.sampling import Sampler

__all__ = ["Draft", "Request", "draft"]


@dataclass(frozen=True)
class Request:
    """What a draft is made from."""

    integration: str
    url_env: str  # the environment variable that the file names for the database
    root: Path  # folders below it are written relative to it
    provider: str | None = None
    code: Path | None = None
    documents: Path | None = None
    blueprint: str | None = None  # by what is evident, if none is given


def draft(request: Request, database: Database) -> Draft:
    """Return the draft of a parameter file.

    Raises
    ------
    ProviderError, QueryError
        The catalogue has no such provider, or PostgreSQL's own catalogue cannot be read.
    """
    facts = catalogue.load(request.provider)
    seen = system.survey(Sampler(database), shapes(database))
    if request.blueprint in (BLUEPRINT, beside.BLUEPRINT):
        return _of_database(request, facts, seen)
    tables = [shape for shape in seen.tables.values() if not seen.is_taken(shape)]
    prefix = _prefix(seen, facts.key)
    names = {naming.one(shape.name, prefix) for shape in tables}
    told = reading.read(request.code, facts, names, seen.objects) if request.code else Told()
    facts = facts.written_as(told.topics[1] if told.topics else [])
    found = _resources(seen, facts, told, prefix)
    is_told = request.blueprint or request.provider or (request.code and not beside.is_migrated_or_watched(told))
    if not (is_told or _is_integration(seen, found)):
        return _of_database(request, facts, seen)
    refined.name_by_runs(found, seen, roles.columns_of("syncs", seen.syncs).get("resource") if seen.syncs else None)
    made = Draft()
    _put_head(made, request, facts, "datasource")
    if any(one.kind in "rp" and one.references for one in seen.tables.values()):
        made.note("blueprints", f"{BLUEPRINT}, which has a file of its own: dsaudit init --blueprint {BLUEPRINT}")
    sections.put_tenants(made, seen, facts)
    variable = request.url_env.removesuffix("_AUDIT_URL")
    outside.put_source(made, facts, told, variable)
    sections.put_raw(made, seen, any(one.type and one.pairs for one in found))
    sections.put_logs(made, seen)
    sections.put_record(made, seen)
    made.put("table_prefix", f"{prefix}_" if prefix else None)
    outside.put_code(made, told, request.root)
    outside.put_webhooks(made, sections.addresses(seen))
    scheduled.put_background(made, told, [one.name for one in found], variable)
    outside.put_documents(made, told, request.documents, request.root)
    outside.put_monitoring(made, told, request.root)
    outside.offer_own_tests(made, told, request.root)
    _put_resources(made, found, seen, facts, told, prefix)
    beside.put_watching(made, told, request.root)
    beside.offer_migrations(made, told, request.root)
    for problem in seen.sampler.problems:
        made.ask("resources", problem)
    return made


def _is_integration(seen: system.System, found: list[refined.Refined]) -> bool:
    """Return whether something speaks of a source: raw records, deliveries, syncs, or rows with its records in them."""
    on_the_row = any(one.pairs and one.key and "key" not in one.guesses for one in found)
    return bool(seen.raw or seen.deliveries or seen.syncs or on_the_row)


def _of_database(request: Request, facts: catalogue.Provider, seen: system.System) -> Draft:
    """Return the draft of all tables, for what can be audited of a database alone."""
    made = Draft()
    told = Told(codebase.read(request.code), request.code) if request.code else Told()
    _put_head(made, request, facts, _blueprint(request, told))
    put_integrity(made, seen)
    _put_files(made, told, request.root)
    return made


def _blueprint(request: Request, told: Told) -> str:
    return request.blueprint or (beside.BLUEPRINT if beside.is_migrated_or_watched(told) else BLUEPRINT)


def _put_files(made: Draft, told: Told, root: Path) -> None:
    outside.put_monitoring(made, told, root)
    beside.put_watching(made, told, root)
    beside.offer_migrations(made, told, root)


def _put_head(made: Draft, request: Request, facts: catalogue.Provider, blueprint: str) -> None:
    made.put("integration", request.integration)
    made.put("blueprints", [blueprint])
    made.put("environment", "development", "staging or production, if it is one of them")
    made.put("database", {"url_env": request.url_env})
    made.variables[request.url_env] = "the database's address, with a role that may only read"
    own = request.provider if request.provider not in catalogue.known() else None
    made.put("provider", os.path.relpath(own, request.root) if own else facts.key or None)
    made.put("provider_reviewed", facts.as_of)


def _prefix(seen: system.System, key: str) -> str:
    """Return the word with which the tables of the integration begin."""
    own = [one.name for one in (seen.raw, seen.deliveries, seen.syncs) if one]
    heads = [naming.snake(name).split("_")[0] for name in own]
    common = heads[0] if heads and len(set(heads)) == 1 and len(heads) > 1 else key
    begun = [shape for shape in seen.tables.values() if naming.snake(shape.name).startswith(f"{common}_")]
    if common and len(begun) > 1:
        return common
    return system.prefix_of(shape.name for shape in seen.tables.values() if not seen.is_taken(shape))


def _resources(seen: system.System, facts: catalogue.Provider, told: Told, prefix: str) -> list[refined.Refined]:
    found = refined.find(seen, {*told.functions, *facts.resources}, prefix)
    for one in found:
        refined.examine(one, seen)
    identifier = facts.id
    for one in found:
        refined.set_id_from(one, identifier)
    waiting = [one for one in found if not _is_read(one, told, facts)]
    while True:
        # A child that was found may have its records from its parent alone, and be a parent itself.
        adopted = [one for one in waiting if _adopt(one, found, seen, identifier)]
        waiting = [one for one in waiting if one not in adopted]
        if not adopted:
            break
    keyless = [one for one in found if not one.key]
    seen.sampler.problems += [
        f"{one.name}: the table {one.shape.name} has no key that tells its rows apart" for one in keyless
    ]
    return resources.in_order([one for one in found if one.key], facts)


def _is_read(one: refined.Refined, told: Told, facts: catalogue.Provider) -> bool:
    """Return whether a resource is read by itself, as far as is known: a function does so, or the catalogue says it."""
    by_itself = one.name in facts.resources and not facts.resource(one.name).of
    return by_itself or one.name in told.functions


def _adopt(one: refined.Refined, found: list[refined.Refined], seen: system.System, identifier: str) -> bool:
    way = nesting.find(one, found, seen, identifier)
    if way:
        nesting.adopt(one, way)
    return way is not None


def _put_resources(
    made: Draft,
    found: list[refined.Refined],
    seen: system.System,
    facts: catalogue.Provider,
    told: Told,
    prefix: str,
) -> None:
    tables = refined.by_table(found)
    for one in found:
        describing.describe(one, tables, prefix)
    updated, created, doubt = describing.times(found, facts)
    for one in found:
        describing.set_updated(one, updated)
    shared = resources.put_defaults(made, found, updated, created, doubt)
    for one in found:
        resources.put_resource(made, one, seen, facts, told, shared)
    resources.put_unclaimed_scopes(made, found, told)
    if not found:
        made.ask("resources", "no table was recognised as holding the source's records")
    resources.put_relations(made, describing.relations(found, tables, seen))
