"""The section ``live`` of a parameter file: how one record is created, changed and deleted at the source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from dsaudit.parameters.filling import placeholders
from dsaudit.parameters.section import Section
from dsaudit.wording import did_you_mean

if TYPE_CHECKING:
    from dsaudit.parameters.models import Parameters


class Call(Section):
    """One request that changes the record: a path below the source's address, and what is sent.

    In `path` and in every text of `body` stand placeholders: ``{mark}`` is a word that no other record holds, another
    one for each change; ``{id}`` the record's id; any other, such as ``{customer.version}``, the value that the answer
    before had at that path. ``as: form`` sends the body as a form, for providers that take no JSON.
    """

    method: Literal["POST", "PUT", "PATCH", "DELETE"]
    path: str
    body: dict[str, Any] | None = None
    as_: Literal["json", "form"] = Field("json", alias="as")

    @field_validator("path")
    @classmethod
    def _below(cls, value: str) -> str:
        if "://" in value or value.startswith("//"):
            raise ValueError("is a path below the source's base_url; a token that writes goes to no other host")
        return value

    @property
    def placeholders(self) -> set[str]:
        """The names that stand in braces."""
        return placeholders([self.path, self.body])


class Live(Section):
    """How a record of one resource is created, updated and deleted at the source, to see each change arrive.

    It is done only when a run is asked to (``--live``), and never in production. `token_env` is a token of its own, as
    a token that audits only reads; it is sent as the source's is. `id` is the path of the new record's id in the answer
    to `create`, and `shown_in` the column among the resource's `fields` that then holds the mark.

    Where `webhooks.probe.secret_env` names the secret by which the provider signs, and the raw table has the id of the
    delivery, two deliveries of the record are sent to our own address too, before it is deleted: its newest once more,
    as it came, and an older version under an id that bears our mark, so that no check takes it for the provider's.
    """

    resource: str
    tenant: str | None = None  # by itself the first
    token_env: str
    create: Call
    id: str
    update: Call
    delete: Call
    shown_in: str
    wait_seconds: float = Field(15, gt=0, le=120)  # the longest that a change is waited for; there are four of them


def sends_again(parameters: Parameters) -> bool:
    """Return whether the file lets deliveries be sent again: it names the secret, and by what ours are known again."""
    probe = parameters.webhooks.probe if parameters.webhooks else None
    columns = parameters.raw.columns if parameters.raw else {}
    return bool(probe and probe.secret_env and {"delivery_id", "payload"} <= set(columns))


def why_not(parameters: Parameters, live: Live) -> str | None:
    """Return why nothing can be done at the source as `live` declares, as key and reason, or None."""
    source, resource = parameters.source, parameters.resources.get(live.resource)
    if parameters.environment == "production":
        return ": it changes records at the source, and environment is production; audit a staging system with it"
    if source is None:
        return ": there is no source at which a record could be changed; take it away, or declare the source"
    if source.kind != "rest" or source.paging.style == "graphql":
        return ": only a source of the kind rest takes changes"
    if resource is None:
        hint = did_you_mean(live.resource, parameters.resources)
        return f"resource: there is no resource {live.resource}" + (f"; {hint}" if hint else "")
    if not resource.webhooks:
        return f"resource: {live.resource} has no webhooks, so no change of it would be announced"
    if live.tenant and live.tenant not in parameters.tenant_names:
        return f"tenant: there is no tenant {live.tenant}; {did_you_mean(live.tenant, parameters.tenant_names)}"
    if live.token_env == source.token_env or live.token_env in {one.token_env for one in parameters.tenants}:
        return "token_env: a token that audits only reads; name another, which may write"
    return _why_unseen(parameters, live)


def _why_unseen(parameters: Parameters, live: Live) -> str | None:
    """Return why what is done would not be seen to arrive, as key and reason, or None."""
    fields, limit = parameters.resources[live.resource].fields, parameters.policy.latency_seconds
    if live.shown_in not in fields:
        hint = did_you_mean(live.shown_in, fields, f"there are {', '.join(fields) or 'none'}")
        return f"shown_in: {live.resource} declares no such column under fields; {hint}"
    if fields[live.shown_in].as_ != "text":
        return "shown_in: the mark is a text, so a column that is compared as text is needed"
    for name in ("create", "update"):
        if "mark" not in getattr(live, name).placeholders:
            return f"{name}: nothing in it holds {{mark}}, by which the change is known when it arrives"
    for name in ("update", "delete"):
        if "id" not in getattr(live, name).placeholders:
            return f"{name}: nothing in it holds {{id}}, so it would concern another record"
    if "id" in live.create.placeholders:
        return "create: the record has no id yet"
    if live.wait_seconds < limit:
        return f"wait_seconds: shorter than policy.latency_seconds ({limit:g} s): nothing would be shown to be late"
    return None
