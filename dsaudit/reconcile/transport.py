"""Whether the present state of a record has come to us, and if not, which of the ways that could bring it did not.

Adds to the facts of `dsaudit.reconcile.evidence`: ``unreached`` (our side does not have the state that the source has),
what the last sync runs must have read, what is registered, and what the log of deliveries has of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.facts import messages, scopes, webhooks
from dsaudit.facts.provider import provider_of
from dsaudit.reconcile import lists
from dsaudit.reconcile.asking import ask, beside, instants
from dsaudit.source.reading import parse
from dsaudit.source.recording import identity, instant_at
from dsaudit.verdict.card import plural

if TYPE_CHECKING:
    from dsaudit.audit import Audit

TIMES = (
    *("last_run", "next_run", "run_at", "cursor", "failed_at", "last_heard", "listening_since"),
    *("accepted_at", "sent_later_at", "rejected_at", "refused_at", "deletion_at"),
)
ARRIVALS = ("accepted_at", "sent_later_at", "rejected_at", "rejected", "refused_at", "refused", "deletion_at")
ACTIONS = {"missing in raw": "create", "missing": "create", "old in raw": "update", "field": "update"}
WORDS = {"create": "a creation", "update": "an update", "delete": "a deletion"}
WHOLE_SECOND = timedelta(seconds=1)
STILL_RUNNING = timedelta(hours=1)  # a run without an end is given so long before it counts as broken off
FEW = 20  # objects of the log whose payloads are looked into


def add(audit: Audit, keys: pd.DataFrame, explains: str) -> pd.DataFrame:
    """Add the columns of the transport; of extra rows, which nobody sent, only what is known of their deletion."""
    keys = keys.assign(unreached=_unreached(keys, explains))
    groups = keys.groupby(["tenant", "top_resource"], sort=False)
    action = ACTIONS.get(explains, "delete")
    parts = [_of_list(audit, str(tenant), str(name), action, part) for (tenant, name), part in groups]
    return _arrivals(audit, pd.concat(parts).sort_index())


def _of_list(audit: Audit, tenant: str, name: str, action: str, part: pd.DataFrame) -> pd.DataFrame:
    """Add what is the same for all records of one own list, held against the time at which each changed."""
    topics = _of_topics(audit, tenant, name, action)
    part = part.assign(action=WORDS[action], **_lacking(audit, tenant, name), **topics)
    changed, heard = part["changed_at"], _times(part, "last_heard").fillna(_times(part, "last_webhook"))
    reaches_back = _times(part, "reaches_back").fillna(_times(part, "raw_since"))
    silent = (reaches_back <= changed) & ~(heard >= changed)
    since = _times(part, "listening_since").mask(_times(part, "nameless_at") >= changed)
    missed = set(part.loc[part["unreached"], "top_id"].dropna())
    beside_each_other = lists.neighbours(lists.listed(audit, tenant, name) or [], missed) if missed else {}
    part = part.assign(neighbours=part["top_id"].map(beside_each_other))
    part = part.assign(last_heard=heard, silent_since_change=silent, listening_since=since)
    return _of_runs(audit, tenant, name, part)


def _times(part: pd.DataFrame, name: str) -> pd.Series:
    return instants(part[name])


def _unreached(keys: pd.DataFrame, explains: str) -> pd.Series:
    """Return whose present state at the source never came; False where that cannot be told."""
    if explains == "extra":
        return pd.Series(False, index=keys.index)
    older = (keys["top_changed"] < keys["changed_at"]) | (
        keys["top_deleted"].eq(True) & (keys["top_received"] < keys["changed_at"])
    )
    by_raw = keys["has_raw"] & (keys["top_received"].isna() | older)
    if explains == "missing":
        by_raw &= keys["raw_row"].isna() | keys["raw_deleted"].eq(True) | keys["embedded"]
    row = keys["row_id"].isna() if explains == "missing" else keys["refined_state"] < keys["changed_at"]
    return by_raw | (~keys["has_raw"] & row)


# What is announced


def _of_topics(audit: Audit, tenant: str, name: str, action: str) -> dict[str, Any]:
    """Return what is known of the topics that tell of `action`; since when is known of a log that names objects."""
    resource = audit.parameters.resources[name]
    declared = {topic for topic in resource.webhooks if webhooks.tells(audit, topic) == action}
    registered = _registered(audit, tenant)
    mine = None if registered is None else [one for topic, one in registered if topic in declared | {webhooks.EVERY}]
    log = [one for one in _log(audit) if one["tenant"] == tenant]
    own = [one for one in log if one["topic"] in resource.webhooks]
    told = [one for one in own if one["topic"] in declared]
    # Not what failed: logs that are cleared keep it longer. And not other topics: some are cleared by the topic.
    since = [one["first_at"] for one in own if not pd.isna(one["first_at"])]
    spoken = since and _names_objects(audit, tenant, name, own)
    listening = [min(since), *(one for one in mine[:1] if one)] if spoken and mine else []
    return {
        "announced": bool(declared) or not (resource.unannounced or action in resource.never),
        "subscribed": None if mine is None or not declared else bool(mine),
        "last_heard": max((one["last_at"] for one in told), default=None),
        "reaches_back": min(since, default=None),
        "nameless_at": max((one["nameless_at"] for one in told if one["nameless_at"]), default=None),
        "listening_since": max(listening, default=None),
    }


def _registered(audit: Audit, tenant: str) -> list[tuple[str, datetime | None]] | None:
    """Return topic and time of creation of what is registered for us, the oldest first; None where it is not known."""
    if "subscriptions" not in audit.source.index["tenants"].get(tenant, {}):
        return None
    given = audit.source.subscriptions(tenant)
    if given is None:
        return None
    ours = [one for one in webhooks.subscriptions(audit, tenant) or [] if webhooks.is_ours(audit, one.address)]
    named = provider_of(audit)[0].named
    created = {
        named(str(one.get("topic"))): instant_at(one, "created_at")
        for one in given
        if isinstance(one.get("topic"), str)
    }
    known = [(one.topic, created.get(one.topic)) for one in ours]
    return sorted(known, key=lambda one: one[1].timestamp() if one[1] else 0)


def _log(audit: Audit) -> list[dict[str, Any]]:
    if "log of deliveries" not in audit.kept:
        frame = ask(audit, "topics") if audit.parameters.deliveries else pd.DataFrame()
        named = provider_of(audit)[0].named
        lines = [{**one, "topic": named(str(one["topic"]))} for one in frame.to_dict("records")]
        audit.kept["log of deliveries"] = lines
    found: list[dict[str, Any]] = audit.kept["log of deliveries"]
    return found


def _names_objects(audit: Audit, tenant: str, name: str, log: list[dict[str, Any]]) -> bool:
    """Return whether the log calls objects by the ids that the source gives them; only then does silence tell."""
    told = {one for line in log for one in line["latest"] or ()}
    records = lists.listed(audit, tenant, name)
    if records is not None:
        return any(one.source_id in told for one in records)
    # Where the list is not at hand, what was received tells it: a payload with the very id that the log gives it.
    keys = pd.DataFrame({"tenants": tenant, "resources": name, "ids": sorted(told)[:FEW], "rows": None}, dtype=object)
    resource = audit.parameters.resources[name]
    received = ask(audit, "payloads", keys, strangers=False).to_dict("records") if audit.parameters.raw else []
    contents = ((keys["ids"][one["place"]], parse(one["payload"])) for one in received)
    return any(isinstance(one, dict) and identity(resource, one, one, "", 0) == told_id for told_id, one in contents)


def _lacking(audit: Audit, tenant: str, name: str) -> dict[str, Any]:
    resource = audit.parameters.resources[name]
    aged = resource.known.aged  # its scope hides a part, and nothing tells that a record was in it when it was due
    wanted = [one for one in resource.scope if not aged or one != aged.scope]
    granted = scopes.granted(audit, tenant) if wanted else None
    if granted is None or granted.scopes is None:
        return {"lacking": None, "told_by": None}
    lacking, _ = scopes.lacking(audit, granted.scopes, wanted)
    return {"lacking": lacking[0] if lacking else None, "told_by": granted.told_by}


def _scope_words(audit: Audit, name: str, part: pd.DataFrame) -> str:
    """Return the evidence for a hidden record: the runs of `part` tell it, or else what was granted."""
    known, first = audit.parameters.resources[name].known, part.iloc[0]
    if known.aged and "aged" in set(part["passed_by"]):
        read = f"read the youngest {first['run_fetched']} of {first['run_there']} records"
        return (
            f"the sync of {instant_text(first['run_at'])} {read}; without {known.aged.scope} older ones are not shown"
        )
    told = f"the scope {first['lacking']} is not granted (told by the {first['told_by']})"
    return f"{told}, and nothing of this kind was ever received"


# What was read


def _of_runs(audit: Audit, tenant: str, name: str, part: pd.DataFrame) -> pd.DataFrame:
    """Add what the last runs of the sync must have read, where they began after the change."""
    runs = _runs(audit, tenant, name) if audit.parameters.syncs else []
    whole = [run for run in runs if run["completed"]]
    broken = [run for run in runs if _broken(run, audit)]
    margin = timedelta(seconds=audit.parameters.policy.clock_error_seconds) + WHOLE_SECOND
    due = part["changed_at"] + margin
    none = pd.Series(False, index=part.index)
    after = due <= whole[0]["started_at"] if whole else none
    failed = ~after & (due <= broken[0]["started_at"]) if broken else none
    days = timedelta(days=audit.parameters.policy.sync_age_days)
    # What still runs may bring it; and what changed within a second of a run's beginning, that one may have missed.
    line: dict[str, Any] = {"last_run": max((run["started_at"] for run in [*whole, *broken]), default=None)}
    line |= {"next_run": whole[0]["started_at"] + days if whole else None}
    line |= {"failed_at": broken[0]["started_at"], "failure": _failure(broken[0])} if failed.any() else {}
    part = part.assign(**{one: line.get(one) for one in (*RUN, "failed_at", "failure")}, run_saw=False)
    part = part.assign(after_last_run=_times(part, "last_run") < due)
    part["failed_at"] = _times(part, "failed_at").where(failed)
    if after.any():
        part = pd.concat([part[~after], _by_whole_run(audit, tenant, name, part[after], whole)]).sort_index()
    return part.assign(scope_words=_scope_words(audit, name, part))


RUN = ("last_run", "next_run", "run_at", "run_fetched", "run_there", "run_pages", "passed_by", "cursor")


def _by_whole_run(
    audit: Audit, tenant: str, name: str, part: pd.DataFrame, whole: list[dict[str, Any]]
) -> pd.DataFrame:
    run, cursor = whole[0], whole[1]["watermark"] if len(whole) > 1 else None
    records = lists.listed(audit, tenant, name)
    if records is None or run["fetched"] is None:
        return part
    missed = set(part.loc[part["unreached"], "top_id"].dropna())
    resource, sizes = audit.parameters.resources[name], lists.page_sizes(audit)
    read = lists.reading(resource, records, run, cursor, missed, sizes)
    part = part.assign(
        run_at=run["started_at"], run_fetched=run["fetched"], run_pages=plural(run["pages"], "page"), cursor=cursor,
        run_there=read.there, run_saw=read.saw_all | part["top_id"].isin(read.seen),
    )  # fmt: skip
    passed = part["top_id"].notna() & ~part["top_id"].isin(read.seen)
    part["passed_by"] = pd.Series(read.way, index=part.index, dtype=object).where(passed, None)
    if run["fetched"] == 0 and run["pages"] == 0 and read.there:
        told = f"the sync of {instant_text(run['started_at'])} asked for no page of {read.there} records"
        part = part.assign(failed_at=pd.Timestamp(run["started_at"]), failure=told)
    return part


def _runs(audit: Audit, tenant: str, name: str) -> list[dict[str, Any]]:
    """Return the last runs of a resource's sync, the latest first."""
    if "runs" not in audit.kept:
        kept: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for run in ask(audit, "runs").to_dict("records"):
            kept.setdefault((run["tenant"], run["resource"]), []).append({str(k): v for k, v in run.items()})
        audit.kept["runs"] = kept
    found: list[dict[str, Any]] = audit.kept["runs"].get((tenant, name), [])
    return found


def _broken(run: dict[str, Any], audit: Audit) -> bool:
    long_ago = run["started_at"] < datetime.fromisoformat(audit.instant) - STILL_RUNNING
    return not run["completed"] and (run["state"] == "failed" or long_ago)


def _failure(run: dict[str, Any]) -> str:
    name = messages.EXCEPTION.match(run["error"] or "")
    failed = f"ended in an error ({name[0]})" if name else "ended in an error"
    ended = failed if run["state"] == "failed" else "has not ended"
    pages = plural(run["pages"] or 0, "page")
    return f"the sync of {instant_text(run['started_at'])} {ended} after {pages}, and none came after it"


# What arrived


def _arrivals(audit: Audit, keys: pd.DataFrame) -> pd.DataFrame:
    """Add what the log has of each key since its change, beyond what was stored of it."""
    section = audit.parameters.deliveries
    keys = keys.assign(has_log=bool(_log(audit)))
    since = keys["changed_at"].fillna(keys["last_received"])  # an extra row tells no time of its change
    wanted = keys[since.notna() & keys["top_id"].notna()]
    if section is None or wanted.empty:
        return _told(keys.assign(**dict.fromkeys(ARRIVALS)))
    error = timedelta(seconds=audit.parameters.policy.clock_error_seconds)
    arrays = pd.DataFrame(
        {
            "tenants": wanted["tenant"], "resources": wanted["top_resource"], "ids": wanted["top_id"],
            "since": since[wanted.index] - error, "stored": wanted["top_received"],
        },
        dtype=object,
    )  # fmt: skip
    topics = {topic for resource in audit.parameters.resources.values() for topic in resource.webhooks}
    written = provider_of(audit)[0].written
    deletions = sorted(name for one in topics if webhooks.action(one) == "delete" for name in written(one))
    answer = ask(audit, "arrivals", arrays, rejected_values=section.rejected, deletion_topics=deletions)
    if len(answer):
        answer = answer.assign(place=wanted.index.to_numpy()[answer["place"].astype(int)])
    if "place" not in answer:  # it could not be asked, and its silence tells nothing
        keys = keys.assign(has_log=False, listening_since=None)
    return _told(beside(keys, answer, ARRIVALS))


def _told(keys: pd.DataFrame) -> pd.DataFrame:
    heard = keys[["accepted_at", "rejected_at", "refused_at"]].notna().any(axis=1)
    never = keys["refused_at"].notna() & keys["accepted_at"].isna() & keys["rejected_at"].isna()
    return keys.assign(heard=heard, never_accepted=never, arrival=list(_arrival_words(keys)))


def _arrival_words(keys: pd.DataFrame) -> Iterator[str]:
    for accepted, refused_at, refused in zip(keys["accepted_at"], keys["refused_at"], keys["refused"], strict=True):
        if not pd.isna(accepted):
            yield f"a delivery of it was accepted {instant_text(accepted)}"
        elif not pd.isna(refused_at):
            yield f"it arrived {plural(int(refused), 'time')} up to {instant_text(refused_at)} and was never accepted"
        else:
            yield ""


def instant_text(instant: Any) -> str:
    """Return an instant as a sentence has it: UTC, to the second."""
    given = pd.Timestamp(instant)
    if pd.isna(given):
        return "at a time that is not known"
    return f"{given.tz_convert('UTC'):%Y-%m-%d %H:%M:%S} UTC"
