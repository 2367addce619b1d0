"""Sends the probe of webhooks once the lists are read, so that the snapshot shows what came of it.

It is kept as ``probe.json`` in the recording: a replay asks nobody and says the same.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from dsaudit import catalogue
from dsaudit.facts.webhooks import action, read_subscriptions
from dsaudit.parameters import Parameters, Resource, Tenant
from dsaudit.parameters.secret import SecretMissing, from_environment
from dsaudit.probes import forging
from dsaudit.probes.sending import send
from dsaudit.source.reading import parse, value_at
from dsaudit.source.recording import PROBE
from dsaudit.verdict.card import plural
from dsaudit.wording import shown


class NotSent(Exception):
    """Why nothing can be sent to our webhook address, in a few words."""


def probe(
    parameters: Parameters,
    tenants: list[Tenant],
    index: dict[str, Any],
    folder: Path,
    progress: Callable[[str], None],
    resume: bool = False,
) -> None:
    """Send what the file allows and was asked for, and keep what came back; of a part of the system nothing is sent.

    A recording is probed once: with `resume`, what was sent to the end for an earlier reading of it stays, unless that
    was less.
    """
    path = folder / PROBE
    earlier = json.loads(path.read_text(encoding="utf-8")) if resume and path.is_file() else {}
    if "ended" in earlier and (earlier.get("sending", "all") == "all" or parameters.sending != "all"):
        path.write_text(json.dumps({**earlier, "is_earlier": True}), encoding="utf-8")
        return
    path.unlink(missing_ok=True)  # of an earlier reading
    if not is_sent(parameters):
        return
    kept: dict[str, Any] = {"resource": None, "tenant": None, "address": None, "problem": None, "sent": []}
    kept["sending"] = parameters.sending
    try:
        _send_all(parameters, tenants, index, folder, progress, kept)
    except (NotSent, SecretMissing, catalogue.ProviderError) as error:
        kept["problem"] = str(error).splitlines()[0]
    path.write_text(json.dumps(kept), encoding="utf-8")


def is_sent(parameters: Parameters) -> bool:
    """Return whether a reading sends anything to our webhook address."""
    is_allowed = bool(parameters.webhooks and parameters.webhooks.probe)
    return is_allowed and parameters.sending != "nothing" and not parameters.part.words


def _send_all(
    parameters: Parameters,
    tenants: list[Tenant],
    index: dict[str, Any],
    folder: Path,
    progress: Callable[[str], None],
    kept: dict[str, Any],
) -> None:
    assert parameters.webhooks is not None and parameters.webhooks.probe is not None
    given, provider = parameters.webhooks.probe, catalogue.load(parameters.provider_file)
    if provider.signature is None:
        raise NotSent(f"the catalogue's file of {parameters.provider} does not tell how deliveries are signed")
    secret = from_environment(given.secret_env).reveal() if given.secret_env else ""
    name, resource, topic = _topic(parameters)
    tenant, address = _address(parameters, tenants, index, topic)
    where = named(parameters, address)
    numbered = _is_numbered(folder / tenant.name / f"{name}.jsonl.gz", resource)
    subject = forging.Subject(topic, tenant.account or tenant.name, resource.id_from[0], numbered)
    kinds = forging.kinds(parameters, provider.signature, action(topic) == "delete")
    kinds = [one for one in kinds if one == forging.GENUINE or parameters.sending == "all"]
    kept |= {"resource": name, "tenant": tenant.name, "address": where}
    progress(f"sending {plural(len(kinds), 'delivery', 'deliveries')} to {where}, to see forged ones refused")
    for kind in kinds:
        made = forging.made(kind, provider, secret, subject, time.time())
        kept["sent"].append(asdict(send(address, made)))
        if kind == forging.GENUINE:
            kept["sent"].append(asdict(send(address, replace(made, kind=forging.REPEATED))))
    kept["ended"] = datetime.now(UTC).isoformat()


def _topic(parameters: Parameters) -> tuple[str, Resource, str]:
    """Return a resource and a topic of it: that of the file, or a deletion, which of what nobody has does no harm."""
    given = parameters.webhooks.probe.topic if parameters.webhooks and parameters.webhooks.probe else None
    able = {name: one for name, one in parameters.resources.items() if one.read and len(one.id_from) == 1}
    topics = [(name, one, topic) for name, one in able.items() for topic in one.webhooks if given in (None, topic)]
    if not topics:
        raise NotSent("no resource has a list, an id of one part and a topic, to send a delivery about it")
    found = next((found for found in topics if action(found[2]) == "delete"), topics[0])
    if parameters.environment == "production" and action(found[2]) != "delete":
        raise NotSent(f"{found[2]} is no topic of a deletion, and production is sent nothing else")
    return found


def _address(parameters: Parameters, tenants: list[Tenant], index: dict[str, Any], topic: str) -> tuple[Tenant, str]:
    """Return a tenant and the declared address, or one that is registered for it."""
    for tenant in tenants:
        if address := address_of(parameters, index["tenants"][tenant.name]["subscriptions"] or [], topic):
            return tenant, address
    raise NotSent(NO_ADDRESS)


NO_ADDRESS = "no registered address is the declared one, and the file gives none (webhooks.probe.url)"


def address_of(parameters: Parameters, registered: list[dict[str, Any]], topic: str) -> str:
    """Return the declared address, or of the registered ones one of ours, if it can be of this topic; empty if none.

    Raises
    ------
    NotSent
        It is not set, or nothing may be sent to it.
    """
    assert parameters.webhooks is not None and parameters.webhooks.probe is not None
    given = parameters.webhooks.probe
    address = given.url or (os.environ.get(given.url_env, "") if given.url_env else "")
    if given.url_env and not address:
        raise NotSent(f"the environment variable {given.url_env} is not set; it holds the address")
    if not address:
        found = [one for entry in registered for one in read_subscriptions(entry)]
        # An address that is not ours by the file is somebody else's system.
        own = [one for one in found if re.fullmatch(parameters.webhooks.address, one.address)]
        address = next((one.address for one in own if one.topic == topic), own[0].address if own else "")
    if address and not address.startswith(
        "https://" if parameters.environment != "development" else ("https://", "http://")
    ):
        raise NotSent(f"{named(parameters, address)}: outside development nothing is sent without https")
    return address


def named(parameters: Parameters, address: str) -> str:
    """Return how the address is told: one out of a variable by the variable's name."""
    given = parameters.webhooks and parameters.webhooks.probe
    return f"the address in {given.url_env}" if given and given.url_env and not given.url else shown(address)


def _is_numbered(path: Path, resource: Resource) -> bool:
    """Return whether the records of a list have numbers for ids; its first one tells."""
    if not path.is_file():
        return False
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return any(str(value_at(parse(line), resource.id_from[0])).isdecimal() for line in islice(file, 1))
