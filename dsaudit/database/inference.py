"""What a parameter file leaves out and the database's own catalogue tells with certainty; what is declared always wins.

So does the catalogue of providers for one thing: that without some scope a source hides its older records.

Inferred are the key (the table's one unique constraint of a column that is called like an id), the tenant's column (a
foreign key to the tenants' table, or the raw table's column of that name), the column that names the raw row (a foreign
key), and the mark of a deletion (``deleted_at`` of a time, ``is_deleted`` of a flag). Fields are never inferred: what
is compared has to be declared. `dsaudit init` guesses more, for somebody to look at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dsaudit import catalogue
from dsaudit.catalogue import ProviderError
from dsaudit.database.errors import RelationMissing
from dsaudit.database.reader import Database
from dsaudit.database.relations import Catalogue, Relations
from dsaudit.database.shape import Shape, named, shapes
from dsaudit.parameters import ParameterError, Parameters, Resource
from dsaudit.parameters.ids import Kind, kind_of
from dsaudit.parameters.known import Aged

DELETED = {"deleted_at": "instant", "is_deleted": "boolean"}
_LIKE_AN_ID = re.compile(r"id|uid|uuid|.*_(id|uid|uuid)|.*[a-z]I[dD]")


@dataclass(frozen=True)
class Inferred:
    """One key that the file leaves out, its value, and what says so."""

    resource: str
    key: str
    value: Any
    why: str

    def __str__(self) -> str:
        value = ", ".join(self.value) if isinstance(self.value, list) else self.value
        return f"resources.{self.resource}.{self.key}: {value} ({self.why})"

    def to_json(self) -> dict[str, Any]:
        """Return it as a record."""
        return asdict(self)


def infer(parameters: Parameters, database: Database) -> list[Inferred]:
    """Return what can be told of the keys that the resources leave out; nothing where they leave out none.

    Raises
    ------
    QueryError
        The catalogue cannot be read.
    """
    parameters = parameters.whole
    aged = list(_aged(parameters))
    lacking = [name for name, one in parameters.resources.items() if _INFERABLE - one.model_fields_set]
    if not lacking:
        return aged
    found = shapes(database)
    return aged + [
        Inferred(name, key, value, why)
        for name in lacking
        if (shape := _table(found, parameters.resources[name].table))
        for key, value, why in _of_table(parameters, parameters.resources[name], shape, found)
        if key not in parameters.resources[name].model_fields_set
    ]


def completed(parameters: Parameters, inferred: Iterable[Inferred], tables: Catalogue) -> Parameters:
    """Return the parameters, and the whole that they may be a part of, with what was inferred laid under what they say.

    The types of the keys' columns in the database's `tables` tell the resources how their ids are written.

    Raises
    ------
    ParameterError
        A resource still has no key, and the file is not for the database alone.
    """
    told = list(inferred)
    whole = _laid_under(parameters.whole, told, tables)
    if parameters.whole is parameters:
        return whole
    of_part = _laid_under(parameters, told, tables)
    of_part._whole = whole
    return of_part


def _laid_under(parameters: Parameters, inferred: Iterable[Inferred], tables: Catalogue) -> Parameters:
    resources: dict[str, Resource] = dict(parameters.resources)
    for one in inferred:
        if one.resource in resources:
            resources[one.resource] = _with(resources[one.resource], one)
    keyless = [name for name, one in resources.items() if not one.key]
    if keyless and parameters.blueprints != ["data_integrity"]:  # which knows no source whose ids its rows could have
        raise ParameterError(
            "\n".join(
                f"{parameters.path.name}: resources.{name}.key: missing; no single unique constraint of the table "
                f"{resources[name].table} on one column called like an id tells it"
                for name in keyless
            )
        )
    relations = Relations(parameters, tables)
    typed = {name: one.with_id_kinds(_id_kinds(one, relations)) for name, one in resources.items()}
    return parameters.model_copy(update={"resources": typed})


def _with(resource: Resource, one: Inferred) -> Resource:
    key, _, inner = one.key.partition(".")
    if not inner:
        return resource.model_copy(update={key: one.value})
    value = Aged(scope=one.value[0], days=int(one.value[1])) if inner == "aged" else one.value
    return resource.model_copy(update={key: resource.known.model_copy(update={inner: value})})


def _aged(parameters: Parameters) -> Iterator[Inferred]:
    """Yield what the provider hides of a resource's older records, where the file does not speak of it."""
    try:
        provider = catalogue.of(parameters)
    except ProviderError:
        return
    for name, resource in parameters.resources.items():
        facts = provider.resource(name)
        aged, created = facts.known.get("aged"), facts.created or provider.created
        if aged and created and resource.scope and "aged" not in resource.known.model_fields_set:
            why = f"without this scope the {provider.name} shows none that is older than so many days"
            yield Inferred(name, "known.aged", [aged["scope"], str(aged["days"])], why)
            if not resource.known.created:
                yield Inferred(name, "known.created", created, f"the {provider.name} tells it there")


def _id_kinds(resource: Resource, tables: Relations) -> tuple[Kind | None, ...]:
    """Return how the parts of a resource's ids are written; none where they are not told by one column each."""
    if len(resource.key) != len(resource.id_from):
        return ()
    try:
        columns = tables.table(resource.table).columns
    except RelationMissing:
        return ()  # the checks say so
    return tuple(kind_of(columns.get(key, "")) for key in resource.key)


_INFERABLE = {"key", "tenant", "deleted", "built_from"}


def _table(found: Mapping[int, Shape], name: str) -> Shape | None:
    """Return the table of this name, None where it is not told by it alone; the checks say which there are."""
    fitting = list(named(found, name))
    public = [shape for shape in fitting if shape.schema == "public"]
    chosen = fitting if len(fitting) == 1 else public
    return chosen[0] if len(chosen) == 1 else None


def _of_table(
    parameters: Parameters, resource: Resource, shape: Shape, found: Mapping[int, Shape]
) -> Iterator[tuple[str, Any, str]]:
    tenant, why = _tenant(parameters, shape, found)
    if tenant and parameters.tenants:
        yield "tenant", tenant, why
    if key := _key(shape, resource.tenant or tenant):
        yield "key", [key], "the table's one unique constraint that is no surrogate"
    raw = _table(found, parameters.raw.table) if parameters.raw else None
    referring = [one.column for one in shape.references.values() if raw and one.table == raw.oid]
    if len(referring) == 1:
        yield "built_from", referring[0], "a foreign key to the raw table"
    for name, family in DELETED.items():
        if name in shape.columns and shape.columns[name].family == family:
            yield "deleted", name, f"a column of this name that holds {'a time' if family == 'instant' else 'a flag'}"
            break


def _key(shape: Shape, tenant: str | None) -> str | None:
    bare = {tuple(name for name in key if name != tenant) for key in candidates(shape)}
    only = next(iter(bare)) if len(bare) == 1 else ()
    is_certain = len(only) == 1 and _LIKE_AN_ID.fullmatch(only[0]) and not shape.columns[only[0]].nullable
    return only[0] if is_certain else None


def candidates(shape: Shape) -> list[tuple[str, ...]]:
    """Return the unique constraints of a table that may hold the source's id: its own surrogate key does not."""
    is_surrogate = len(shape.primary) == 1 and shape.columns[shape.primary[0]].is_given
    return [*([] if is_surrogate or not shape.primary else [shape.primary]), *shape.unique]


def _tenant(parameters: Parameters, shape: Shape, found: Mapping[int, Shape]) -> tuple[str | None, str]:
    record = _table(found, parameters.record.table) if parameters.record else None
    referring = [one.column for one in shape.references.values() if record and one.table == record.oid]
    if len(referring) == 1:
        return referring[0], "a foreign key to the tenants' table"
    raw = _table(found, parameters.raw.table) if parameters.raw else None
    name = parameters.raw.columns.get("tenant") if parameters.raw else None
    if raw and name in shape.columns and name in raw.columns and shape.columns[name].type == raw.columns[name].type:
        return name, "the raw table's column of this name holds the tenant"
    return None, ""
