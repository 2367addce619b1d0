"""Sends deliveries of the probe's own record once more: the newest as it came, and an older version after it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dsaudit import catalogue
from dsaudit.facts.webhooks import tells
from dsaudit.live.changing import Changer
from dsaudit.parameters import Tenant
from dsaudit.parameters.filling import filled, placeholders
from dsaudit.parameters.ids import id_text
from dsaudit.parameters.secret import SecretMissing, from_environment
from dsaudit.probes.forging import Subject, again, body_of, own_id
from dsaudit.probes.sending import Sent, send
from dsaudit.source.probing import NO_ADDRESS, NotSent, address_of
from dsaudit.source.reading import SourceError, parse, value_at
from dsaudit.source.recording import instant_at

if TYPE_CHECKING:
    from dsaudit.audit import Audit

DUPLICATE, OUT_OF_ORDER = "duplicate", "out of order"
REDELIVERED = (DUPLICATE, OUT_OF_ORDER)
RECORD = "@the record@"  # stands for it until an envelope is written: its text stays as it was stored


@dataclass
class Redeliverer:
    """Sends deliveries about one record of one tenant."""

    provider: catalogue.Provider
    secret: str
    address: str
    subject: Subject
    changer: Changer

    @classmethod
    def of(cls, audit: Audit, tenant: Tenant, changer: Changer) -> Redeliverer:
        """Return what sends them, for the record that `changer` has made.

        Raises
        ------
        NotSent
            It cannot be done, for the reason in the message.
        """
        parameters, resource = audit.parameters, changer.resource
        assert parameters.webhooks and parameters.webhooks.probe and parameters.source
        topic = next((one for one in resource.webhooks if tells(audit, one) == "update"), None)
        if topic is None or "update" in resource.never:
            raise NotSent("nothing announces an update")
        if len(resource.id_from) != 1:
            raise NotSent("the record's id has more than one part")
        if parameters.deliveries and "delivery_id" not in parameters.deliveries.columns:
            raise NotSent("deliveries.columns has no delivery_id, by which ours would be known again")
        try:
            provider = catalogue.load(parameters.provider_file)
            secret = from_environment(parameters.webhooks.probe.secret_env or "").reveal()
            path = parameters.source.subscriptions
            address = address_of(parameters, changer.reader.extra(path) if path else [], topic)
        except (catalogue.ProviderError, SecretMissing, SourceError) as error:
            raise NotSent(str(error).splitlines()[0]) from None
        if not address:
            raise NotSent(NO_ADDRESS)
        if why := _why_not(provider):
            raise NotSent(why)
        subject = Subject(topic, tenant.account or tenant.name, resource.id_from[0], False)
        return cls(provider, secret, address, subject, changer)

    def send(self, action: str, row: dict[str, Any], sent_at: datetime | None) -> Sent:
        """Send what a raw row was made of: a duplicate under the id that it came by, another under one of our own.

        It tells the time at which the provider had sent it, else that of the version.

        Raises
        ------
        NotSent
            What was delivered cannot be told from the row.
        """
        payload, given = row["payload"] or "", str(row["delivery_id"] or "").strip()
        if action == DUPLICATE and not given:
            raise NotSent("the raw row does not tell the id of its delivery")
        delivery_id = given if action == DUPLICATE else own_id()
        body, at = self._body(payload, action, delivery_id, sent_at)
        ids = (delivery_id, self.changer.source_id)
        made = again(action, self.provider, self.secret, self.subject, ids, body.encode(), at)
        return send(self.address, made)

    def _body(self, payload: str, action: str, delivery_id: str, sent_at: datetime | None) -> tuple[str, float]:
        """Return the body of a delivery, and the time that it tells."""
        try:
            content = parse(payload)
        except ValueError:
            raise NotSent("the raw payload is no JSON") from None
        form, resource = self.provider.delivery.envelope, self.changer.resource
        is_whole = bool(form) and isinstance(content, dict) and set(form) <= set(content)
        told_id = id_text(value_at(content, self.subject.id_path), resource.id_kind)
        if not is_whole and told_id != self.changer.source_id:
            raise NotSent("the raw payload is not the record that was delivered")
        told = sent_at or instant_at(content, resource.updated)
        is_dated = not is_whole and {"time", "seconds"} & placeholders(form)
        if told is None and (is_dated or self.provider.delivery.time_header):
            # With the time of now, a receiver that goes by it would rightly take what is older for the newest.
            raise NotSent("nothing tells when the version was made (deliveries.columns.sent_at, or updated)")
        at = told.timestamp() if told else time.time()
        if is_whole:
            return payload if action == DUPLICATE else json.dumps(_with_id(form, json.loads(payload), delivery_id)), at
        inner = _inner(form, delivery_id) if action == DUPLICATE else delivery_id
        whole = body_of(self.provider, self.subject, inner, self.changer.source_id, RECORD, at)
        return json.dumps(whole, separators=(",", ":")).replace(json.dumps(RECORD), payload), at


def _why_not(provider: catalogue.Provider) -> str | None:
    """Return why no delivery of this provider's can be sent again, or None."""
    told, inside = provider.delivery, placeholders(provider.delivery.envelope)
    if provider.signature is None:
        return "the catalogue's file of the provider does not tell how deliveries are signed"
    if told.envelope and "record" not in inside:
        return f"a delivery of {provider.name} holds no record, so none of them is older than another"
    if not told.id_header and "id" not in inside:
        return f"a delivery of {provider.name} has no id, by which ours would be known again"
    return None


def _with_id(form: Any, content: Any, delivery_id: str) -> Any:
    """Return what was delivered with another id, where the envelope's form has it."""
    if isinstance(form, dict) and isinstance(content, dict):
        changed = {name: _with_id(form[name], one, delivery_id) for name, one in content.items() if name in form}
        return {**content, **changed}
    if isinstance(form, str) and "id" in placeholders(form):
        return filled(form, lambda name: delivery_id)
    return content


def _inner(form: Any, delivery_id: str) -> str:
    """Return what of a delivery's id stands in the envelope's place for it: ``1`` of ``evt_1`` in ``evt_{id}``."""
    for one in form.values() if isinstance(form, dict) else ():
        if isinstance(one, str) and "id" in placeholders(one):
            before, _, after = one.partition("{id}")
            return delivery_id.removeprefix(before).removesuffix(after)
    return delivery_id
