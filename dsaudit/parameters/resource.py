"""What is audited of a system: its resources, and how one refers to another."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from dsaudit.parameters.fields import FieldOf
from dsaudit.parameters.ids import Kind
from dsaudit.parameters.known import Known
from dsaudit.parameters.section import Names, Reason, Section, listed

LONG_LIST = 10_000  # records of a tenant; one that is shorter is not worth a comparison of its own


class Nested(Section):
    """A record that lives inside its parent's: in which resource, and at which path."""

    in_: str = Field(alias="in")
    # Name and path in the parent's record, to a list or to one object; the name may be left out.
    at: dict[str, str] = Field(min_length=1)
    # Where the parent's record says that it holds not all of them: a path to true, or to their whole number. Without
    # it the usual signs count, such as has_more or total_count beside the list.
    more: str | None = None
    # Whether its records are kept inside that record alone: the raw table has no rows of them then, and what speaks of
    # such rows leaves it out. Always so where each object type has a raw table of its own.
    embedded: bool = False

    @field_validator("at", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        paths = listed(value)
        is_short = isinstance(paths, list) and all(isinstance(path, str) for path in paths)
        return {path: path for path in paths} if is_short else value


class Resource(Section):
    """One object type of the source with its table, key, scope, sync function and webhooks."""

    table: str
    key: Names = []  # the columns that hold the source's id; inferred where one unique constraint tells them
    joined: str | None = None  # what stands between the parts of a composite key in the raw table
    # Where the source's record has its id: a path, ``../`` for the parent's, ``#`` the position in the parent's
    # list from 1, ``@`` the name of the path at which it stands there.
    id_from: Names = Field(["id"], min_length=1)
    tenant: str | None = None  # inferred, where a foreign key tells it
    read: str | None = None  # the list's path, file, table or select
    count: str | None = None  # path, or file, that holds the number of its records
    # How to ask for what changed since an instant: the query parameter that takes it (ISO 8601), or with the form of
    # its value, such as ``created[gte]={epoch}`` (seconds) or ``query=select * from Bill where Updated >= '{since}'``;
    # of a sql source a select that binds ``:since``. Without it the whole list is read, and filtered by `updated`.
    since: str | None = None
    bulk: str | None = None  # its type in a provider's bulk export, such as LineItem; see `source` of the kind files
    ids: str | None = None  # path of a list of single records, with ``{ids}``, as many as a page holds
    query: str | None = None  # the GraphQL document that asks for its list
    records: str | None = None  # path of the list in the answer, where it is another than source.paging.records
    # Where one record can be asked for as its list has it: a path with ``{id}``, such as ``orders/{id}.json``, or a
    # select that binds ``:id``; of a composite id each part by its path in `id_from`. What differs is looked at again
    # by it, and `dsaudit why` spares the list.
    one: str | None = None
    nested: Nested | None = None
    raw: str | None = None  # object type in the raw table, if it is not the resource's name
    scope: Names = []
    sync: str | None = None
    webhooks: Names = []
    no_webhooks: str | None = None  # the reason why there are none
    never: dict[Literal["create", "update", "delete"], Reason] = {}  # what no topic tells of, each with the reason
    parents: list[str] = []
    fields: dict[str, FieldOf] = {}
    updated: str | None = None  # path of the time of change in the source's record
    updated_column: str | None = None
    # A flag, the time of deletion, or a column and what it then says; inferred if called deleted_at or is_deleted.
    deleted: str | dict[str, Names] | None = None
    refined_at: str | None = None
    # Column that names the raw row the refined one was built from; inferred, where a foreign key tells it.
    built_from: str | None = None
    may_be_empty: bool = False
    counted_by: Names = []  # columns by whose values its rows are counted, such as its type and its status
    known: Known = Known()
    _id_kinds: tuple[Kind | None, ...] = PrivateAttr(())

    @field_validator("fields", mode="before")
    @classmethod
    def _short_fields(cls, value: Any) -> Any:
        """Accept ``total_price: money`` for a column that is named like the source's field."""
        if not isinstance(value, dict):
            return value
        return {name: {"from": name, "as": kind} if isinstance(kind, str) else kind for name, kind in value.items()}

    @property
    def deleted_by(self) -> tuple[str, list[str]]:
        """The column that marks a deleted row, or '', and the values that do; none of a flag or a time."""
        if isinstance(self.deleted, dict):
            return next(iter(self.deleted.items()), ("", []))
        return self.deleted or "", []

    @cached_property
    def id_parts(self) -> list[tuple[str, Kind | None]]:
        """Each part of ``id_from``, and how it is written, as the type of the key's column tells: `with_id_kinds`."""
        return [*zip(self.id_from, self._id_kinds or (None,) * len(self.id_from), strict=True)]

    @property
    def id_kind(self) -> Kind | None:
        """How an id of one part is written; one of several parts stands as it is."""
        return self.id_parts[0][1] if len(self.id_parts) == 1 else None

    def with_id_kinds(self, kinds: tuple[Kind | None, ...]) -> Resource:
        """Return the same resource, knowing how each part of its ids is written."""
        one = self.model_copy()
        one._id_kinds = kinds
        vars(one).pop("id_parts", None)  # what was known before
        return one

    @property
    def whole_key(self) -> list[str]:
        """The columns that tell a row from all others: the tenant's, where there is one, and the key's."""
        return [*([self.tenant] if self.tenant else []), *self.key]

    @property
    def domains(self) -> list[str]:
        """The columns that hold a domain."""
        return [column for column, field in self.fields.items() if field.as_ == "domain" and not field.ignore]

    @property
    def announced(self) -> bool:
        """Whether topics of its own tell of its changes: it has some, or nothing says why it needs none."""
        return bool(self.webhooks) or not (self.nested or self.no_webhooks)

    @property
    def unannounced(self) -> bool:
        """Whether it comes with its parent, or is asked for, for want of topics of its own."""
        return not self.announced

    @property
    def identified(self) -> bool:
        """Whether the source's record itself holds its whole id, so that no two records are equal."""
        return not any(part in ("#", "@") or part.startswith("../") for part in self.id_from)

    @property
    def has_own_id(self) -> bool:
        """Whether each record of an own list holds its id in one place, so that the list can be compared as it lies."""
        return self.nested is None and len(self.id_from) == 1 and self.id_from[0][:1] not in "#@."

    @property
    def counted_children(self) -> tuple[str, str] | None:
        """The parent resource and the path there whose length says how many there must be; None where none does."""
        counted = self.nested is not None and len(self.nested.at) == 1
        return (self.nested.in_, next(iter(self.nested.at.values()))) if self.nested and counted else None

    @field_validator("counted_by")
    @classmethod
    def _are_fields(cls, given: list[str], info: ValidationInfo) -> list[str]:
        unknown = next((name for name in given if name not in info.data.get("fields", {})), None)
        if unknown:
            raise ValueError(f"{unknown} is no column under `fields`")
        return given

    @model_validator(mode="after")
    def _one_way_in(self) -> Resource:
        if self.read and self.nested:
            raise ValueError(
                "a resource is either read by itself (read) or found in another's record (nested), not both"
            )
        return self


class Relation(Section):
    """A child's column that refers to a parent's, with or without a foreign key in the database."""

    child: str
    parent: str
    nullable: bool = False
    every_parent: bool = False  # whether each parent must have a child, as a payout has its transactions
    keeps_children: bool = False  # whether children stay when their parent is deleted, as a customer's orders do
    # What the database has to do with the children of a parent that is deleted; without it no foreign key is demanded.
    on_delete: Literal["cascade", "restrict", "no_action", "set_null", "set_default"] | None = None
    linked_percent: float | None = Field(None, gt=0, le=100)  # the least share of the children that have a parent
    counted_by: str | None = Field(None, min_length=1)  # the parent's column that says how many children it has

    @field_validator("child", "parent")
    @classmethod
    def _column(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9_]*\.[^.\s](?:[^.\n]*[^.\s])?", value):
            raise ValueError("written as resource.column, such as line_item.order_id")
        return value

    @model_validator(mode="after")
    def _can_be_empty(self) -> Relation:
        given = (
            "on_delete: set_null" if self.on_delete == "set_null" else "linked_percent" if self.linked_percent else ""
        )
        if given and not self.nullable:
            raise ValueError(f"{given} needs nullable: true, as it is about a reference that may be empty")
        return self

    @property
    def required(self) -> bool:
        """Whether every child must have a parent."""
        return not self.nullable

    @property
    def takes_children(self) -> bool:
        """Whether the deletion of a parent has to take its children along, as none can be without it."""
        return not (self.nullable or self.keeps_children)

    @property
    def name(self) -> str:
        """The relation's name in reports."""
        return f"{self.child} → {self.parent}"
