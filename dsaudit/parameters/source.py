"""The section ``source`` of a parameter file: how the source is asked, page by page, and how gently."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from dsaudit.parameters.delivery_log import DeliveryLog
from dsaudit.parameters.section import Misplaced, Section

Style = Literal["none", "link", "cursor", "offset", "page", "graphql"]

_OF_ALL = {"style", "records", "empty_is_absent", "total"}
_OF_STYLE: dict[str, set[str]] = {
    "none": set(),
    "link": {"size_parameter", "next"},
    "cursor": {"size_parameter", "parameter", "next", "last", "more"},
    "offset": {"size_parameter", "parameter", "first", "clause", "overlap", "more"},
    "page": {"size_parameter", "parameter", "first", "more"},
    "graphql": {"size_parameter", "parameter"},
}
_SIZE = {"graphql": "first"}
_PARAMETER = {"offset": "offset", "page": "page", "graphql": "after"}


class Paging(Section):
    """How a list goes on from page to page. ``paging: link`` is short for ``paging: {style: link}``.

    ======= ========================================================================================================
    none    one answer holds all
    link    the next page's address is in the Link header, or in the body at ``next``
    cursor  ``parameter`` takes a cursor: what stands in the body at ``next``, or at ``last`` in the page's last record
    offset  ``parameter`` takes the number of records to leave out. Where the provider wants it inside a query's text,
            ``clause`` is added to the parameter's value: ``{style: offset, parameter: query, first: 1,
            clause: "startposition {offset} maxresults {size}"}``
    page    ``parameter`` takes the page's number
    graphql the resource's ``query`` is posted; ``parameter`` is its variable for the cursor, ``size_parameter`` that
            for the page's size; ``records`` is the path of the connection, such as ``data.orders``
    ======= ========================================================================================================

    A list has ended where ``more`` says false, where GraphQL's ``hasNextPage`` does, where there is no next link or
    cursor, where ``total`` records were read, or, of what is counted by the reader, at the first page without records:
    a page that is merely short proves nothing, as providers cut sizes down without a word. Where no answer has the path
    ``next``, and the list has no `count`, it is asked for one record alone, to see that the path is right.
    Paths are dotted: ``meta.next_cursor``; a name that has dots itself is one too: ``"@odata.nextLink"``.
    """

    style: Style = "link"
    size_parameter: str = "limit"  # empty where the provider takes no size
    parameter: str = ""
    next: str | None = None
    last: str | None = None
    more: str | None = None  # path of true or false
    total: str | None = None  # path of the number of records of the whole list
    first: int = Field(0, ge=0, le=1)  # the offset, or the number, of the first page
    clause: str | None = None
    overlap: bool = True  # begin each page with the last record of the one before, to see that nothing has moved
    records: str | None = None  # path of the list in the body; by itself the only list that there is
    empty_is_absent: bool = False  # whether the provider leaves an empty list out

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, values: Any) -> Any:
        style: Any = values.get("style", "link") if isinstance(values, dict) else None
        if not isinstance(style, str):
            return values
        unused = sorted(set(values) - _OF_ALL - _OF_STYLE.get(style, set(values)))
        if unused and unused[0] in cls.model_fields:
            raise ValueError(f"{unused[0]} means nothing to {style} paging")
        defaults: dict[str, Any] = {"size_parameter": _SIZE.get(style, "limit"), "parameter": _PARAMETER.get(style, "")}
        defaults |= {"first": 1} if style == "page" else {}
        # Only what the style knows: what is written of it can be read again.
        return {name: value for name, value in defaults.items() if name in _OF_STYLE.get(style, ())} | values

    @model_validator(mode="after")
    def _complete(self) -> Paging:
        if self.style == "cursor" and not (self.parameter and bool(self.next) != bool(self.last)):
            raise ValueError("cursor paging needs parameter, and either next or last, where the cursor is found")
        if self.clause and not ("{offset}" in self.clause and "{size}" in self.clause):
            raise ValueError("a clause holds {offset} and {size}")
        return self


def _style(value: Any) -> Any:
    return {"style": value} if isinstance(value, str) else value


PagingOf = Annotated[Paging, BeforeValidator(_style)]


class RateLimit(Section):
    """The headers in which a provider tells how much of its rate limit is used, by whomever.

    ``used`` holds ``32/40``; or ``remaining`` holds a number, of ``limit`` (a header, or the number itself), and
    ``reset`` the seconds until it is refilled, or the time of it in seconds since 1970.
    """

    used: str | None = None
    remaining: str | None = None
    limit: str | int | None = None
    reset: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> RateLimit:
        if bool(self.used) == bool(self.remaining) or bool(self.remaining) != bool(self.limit):
            raise ValueError("needs either used, or remaining and limit")
        return self


class Source(Section):
    """How the source is read: a REST API (rest), exported files (files), or another SQL database (sql).

    files
        ``<folder>/<account>/<read>``, without tenants ``<folder>/<read>``, in a local folder or behind a URL such as
        ``s3://exports``; `read` may be a pattern, and says by its ending what is inside: ``.jsonl``, ``.ndjson``,
        ``.json`` (a record a line), ``.csv`` (with a header, all text), each also with ``.gz``, and ``.parquet``. Where
        a resource says which type of line it is (``bulk: Order``), the file is a bulk export of Shopify's form: lines
        of a nested resource's type go to its path in the record before them, and `count` may be the answer that
        describes the operation.
    sql
        ``url_env`` holds a SQLAlchemy URL. `read` is a table, ``schema.table``, or a select, which may bind
        ``:account`` and ``:tenant``; a colon that binds nothing is written ``\\:``.
    """

    kind: Literal["rest", "files", "sql"]
    base_url: str | None = None
    base_url_env: str | None = None
    account_path: str = ""  # what follows base_url for one account, such as "{account}"
    token_env: str | None = None
    token_header: str = "Authorization"
    paging: PagingOf = Paging()  # type: ignore[call-arg]  # all have defaults
    page_size: int = Field(250, ge=1, le=10_000)
    scopes: str | None = None  # path that lists the granted scopes
    subscriptions: str | None = None  # path that lists the registered webhooks
    deliveries: DeliveryLog | None = None  # the provider's log of what it sent
    folder: str | None = None
    gids: Literal["number", "text"] = "number"  # what ``gid://shopify/Order/123`` is read as, in a bulk export
    delimiter: str = Field(",", min_length=1, max_length=1)  # of CSV files
    url_env: str | None = None
    rate_share: int = Field(20, ge=1, le=100)  # percent of the provider's rate limit that an audit may use
    rate_limit: RateLimit | None = None
    rate: float | None = Field(None, gt=0)  # requests a second that the provider allows, where it tells no budget

    @property
    def is_remote(self) -> bool:
        """Whether the exported files are behind a URL."""
        return "://" in (self.folder or "")

    @model_validator(mode="after")
    def _reachable(self) -> Source:
        if self.kind == "rest" and not (self.base_url or self.base_url_env):
            raise ValueError("a rest source needs base_url or base_url_env")
        if self.kind == "files" and not self.folder:
            raise ValueError("a files source needs folder")
        if self.kind == "sql" and not self.url_env:
            raise ValueError("a sql source needs url_env")
        if self.kind == "sql" and (self.scopes or self.subscriptions):
            raise ValueError("a sql source has no scopes and no subscriptions")
        if self.deliveries and (self.kind != "rest" or self.paging.style == "graphql"):
            what = "paged by GraphQL" if self.kind == "rest" else f"of kind {self.kind}"
            raise Misplaced(("deliveries",), f"is read from a rest API alone, and this source is {what}")
        return self
