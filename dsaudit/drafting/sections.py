"""The sections of a draft that speak of the integration's own tables: tenants, raw, deliveries, syncs, record."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from dsaudit.catalogue import Provider
from dsaudit.database.shape import Shape
from dsaudit.drafting import content, roles
from dsaudit.drafting.draft import Draft, columns
from dsaudit.drafting.system import System, Tenant, scopes_in
from dsaudit.parameters import tables

Name = TypeVar("Name", bound=str)
MOST_TENANTS = 20
_ACCEPTED = r"accepted|duplicate|ok|success\w*|processed|delivered|received|done|200|202|204"
_REJECTED = r".*signature.*|.*unauthori[sz]ed.*|.*forbidden.*|.*invalid_hmac.*|401|403"


_RUN_STATES: dict[tables.RunState, str] = {
    "success": r"success\w*|succeeded|completed?|done|ok|finished",
    "failed": r"fail(ed|ure)|error(ed)?|abandoned|crashed|dead",
    "skipped": r"skipped|disabled",
    "running": r"running|started|in_?progress|pending|queued",
}


def table_name(shape: Shape, tables_: Iterable[Shape]) -> str:
    """Return a table's name as a parameter file has it: with its schema, unless that is the public one."""
    alone = sum(one.name == shape.name for one in tables_) == 1
    return shape.name if shape.schema == "public" and alone else f"{shape.schema}.{shape.name}"


def put_tenants(draft: Draft, system: System, provider: Provider) -> None:
    """Set the tenants: the rows of their table."""
    listed: list[dict[str, Any]] = []
    guess = None
    for tenant in system.tenants[:MOST_TENANTS]:
        account, why = _account(tenant, provider)
        name = _name(tenant, account, [one["name"] for one in listed])
        listed.append({"name": name, "id": str(tenant.id), **({"account": account} if account else {})})
        guess = guess or why
        if not account:
            draft.ask("tenants", f"account: how the source calls the tenant {name}")
    draft.put("tenants", listed, guess)
    if len(system.tenants) > MOST_TENANTS:
        draft.ask("tenants", f"the table has more tenants; the first {MOST_TENANTS} are listed")


def _account(tenant: Tenant, provider: Provider) -> tuple[str | None, str | None]:
    texts = dict(_texts(tenant.row))
    pattern = provider.account
    if pattern:
        for text in texts.values():
            if re.fullmatch(pattern, text):
                return text, None
    named = ("account", "shop", "domain", "shop_domain", "realm_id", "external_id", "slug", "store")
    found = next((text for name in named for key, text in texts.items() if key.rpartition(".")[2] == name), None)
    return found, "the account by its column's name" if found else None


def _texts(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, f"{at}.{name}" if at else str(name))
    elif isinstance(value, str) and len(value) < 200:
        yield at, value


def _name(tenant: Tenant, account: str | None, taken: list[str]) -> str:
    words = account.partition(".")[0] if account and not account.isdigit() else str(tenant.row.get("name") or tenant.id)
    name = re.sub(r"[^a-z0-9_-]+", "-", words.lower()).strip("-")[:50]
    name = name if re.match("[a-z]", name) else f"tenant-{name}".rstrip("-")
    return name if name not in taken else f"{name}-{len(taken) + 1}"


def put_raw(draft: Draft, system: System, is_keyed: bool) -> None:
    """Set the raw table, its columns, the recipe of its hash, its states and its way in.

    `is_keyed` says that refined rows were found by the raw records' type and id, which proves those columns.
    """
    raw = system.raw
    if raw is None:
        return
    draft.put("raw.table", table_name(raw, system.tables.values()))
    found = system.raw_columns
    if recipe := _recipe(system):
        draft.put("raw.hash", {"canonical": "sorted_json", "digest": recipe})
    elif "content_hash" in found:
        draft.ask("raw", "hash: no recipe that dsaudit knows gives the stored hashes")
    proven = {"row_id", "payload"} | ({"resource", "source_id"} if is_keyed else set())
    proven |= ({"content_hash"} if recipe else set()) | (set() if system.tenant_column(raw)[1] else {"tenant"})
    columns(draft, "raw", found, tables.Raw.own, proven, *(["by what it holds"] if system.is_seen else []))
    known = _sorted_out(system.states, content.STATES)
    for state, values in known.items():
        if values != [state]:
            draft.put(f"raw.states.{state}", values, "by the words")
    if unknown := [value for value in system.states if not any(value in values for values in known.values())]:
        draft.ask("raw", f"states: which of pending, processed, error, skipped or held {', '.join(unknown)} means")
    hooks = [value for value in system.vias if re.search("hook|push|event", value.lower())]
    if hooks and hooks != ["webhook"]:
        draft.put("raw.webhook", hooks, "by the word")


def _sorted_out(values: Iterable[str], patterns: Mapping[Name, str]) -> dict[Name, list[str]]:
    found: dict[Name, list[str]] = {}
    for value in values:
        for name, pattern in patterns.items():
            if re.fullmatch(pattern, value.lower()):
                found.setdefault(name, []).append(value)
                break
    return found


def _recipe(system: System) -> str | None:
    """Return the digest that gives the stored hashes of sampled payloads, None where none of ours does."""
    raw, found = system.raw, system.raw_columns
    if raw is None or not {"content_hash", "row_id"} <= set(found):
        return None
    ids = [one.row_id for objects in system.objects.values() for one in objects[:3]]
    wanted = [found["payload"], found["content_hash"]]
    rows = system.sampler.found(raw, wanted, {found["row_id"]: ids}, 100)
    pairs = [(row[found["payload"]], row[found["content_hash"]]) for row in rows if row[found["content_hash"]]]
    for digest in ("sha256", "md5", "sha1"):
        if pairs and all(_hash(payload, digest) == stored for payload, stored in pairs):
            return digest
    return None


def _hash(payload: Any, digest: str) -> str:
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_as_float)
    return hashlib.new(digest, text.encode("utf-8", "surrogatepass")).hexdigest()


def _as_float(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError


def put_logs(draft: Draft, system: System) -> None:
    """Set the table of deliveries and that of the sync runs."""
    for section, shape, model in (
        ("deliveries", system.deliveries, tables.Deliveries),
        ("syncs", system.syncs, tables.Syncs),
    ):
        if shape is None:
            continue
        draft.put(f"{section}.table", table_name(shape, system.tables.values()))
        more = roles.columns_of("runs", shape) if section == "syncs" else {}
        # The counts have names of their own; what is left may be the count of all. One such column tells too little.
        found = roles.columns_of(section, shape, more if len(more) > 1 else {})
        tenant, guess = system.tenant_column(shape)
        found = {name: column for name, column in found.items() if column != tenant}
        if tenant:
            found["tenant"] = tenant
        if section == "deliveries" and "outcome" in found:
            _put_outcomes(draft, system, shape, found["outcome"])
        proven = {"tenant"} if tenant and not guess else ()
        read = [name for name in (*model.own, *model.optional) if name in found]
        columns(draft, section, {name: found[name] for name in read}, model.own, proven)
        if section == "syncs" and "state" in found:
            _put_run_states(draft, system, shape, found["state"])


def _put_outcomes(draft: Draft, system: System, shape: Shape, column: str) -> None:
    values = sorted({str(row[column]) for row in system.sampler.rows(shape, [column]) if row[column] is not None})
    usual = {"accepted": ["accepted", "duplicate"], "rejected": ["rejected_signature"]}
    for name, pattern in (("accepted", _ACCEPTED), ("rejected", _REJECTED)):
        fitting = [value for value in values if re.fullmatch(pattern, value.lower())]
        if fitting and not set(fitting) <= set(usual[name]):
            draft.put(f"deliveries.{name}", fitting, "by the words")


def _put_run_states(draft: Draft, system: System, shape: Shape, column: str) -> None:
    """Set what the words of a run's state mean, where they are not all dsaudit's own."""
    values = sorted({str(row[column]) for row in system.sampler.rows(shape, [column]) if row[column] is not None})
    known = _sorted_out(values, _RUN_STATES)
    for state, words in known.items():
        if not set(words) <= set(tables.STATES[state]):
            draft.put(f"syncs.states.{state}", words, "by the words")
    if unknown := [value for value in values if not any(value in words for words in known.values())]:
        draft.ask("syncs", f"states: which of {', '.join(_RUN_STATES)} {', '.join(unknown)} means")


def put_record(draft: Draft, system: System) -> None:
    """Set the table of the integration record: the tenants' ids, their scopes, the registered webhooks."""
    record = system.record
    if record is None or not system.tenants:
        return
    key = record.primary[0] if record.primary else next(iter(record.columns))
    found = {"tenant": key}
    for path, value in _values(system.tenants[0].row):
        if scopes_in(value):
            found.setdefault("scopes", path)
        elif _topics_in(value):
            found.setdefault("registration", path)
    if len(found) == 1:
        return  # a table of tenants that says nothing of the access is no integration record
    draft.put("record.table", table_name(record, system.tables.values()))
    columns(draft, "record", found, tables.Record.own, found)


def _values(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    if at:
        yield at, value
    if isinstance(value, dict):
        for name, inner in value.items():
            if "." not in str(name):
                yield from _values(inner, f"{at}.{name}" if at else str(name))


def _topics_in(value: Any) -> list[dict[str, Any]]:
    listed = value.get("topics") if isinstance(value, dict) else None
    return [one for one in listed if isinstance(one, dict) and "topic" in one] if isinstance(listed, list) else []


def addresses(system: System) -> list[str]:
    """Return the addresses that the tenants' records name as registered."""
    found = {
        str(topic["address"])
        for tenant in system.tenants
        for _, value in _values(tenant.row)
        for topic in _topics_in(value)
        if topic.get("address")
    }
    return sorted(found)
