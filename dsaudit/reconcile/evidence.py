"""Gathers what is known of the rows that differ, in sets: one line a key, one column a fact, None where none is known.

What the columns mean is said where they are made; `dsaudit.verdict.causes` judges by them.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.facts import messages
from dsaudit.reconcile import contents, extras, kin, logged, origins, sending, transport
from dsaudit.reconcile.asking import ask, beside, instants
from dsaudit.reconcile.looks import LOOKED
from dsaudit.reconcile.transport import instant_text
from dsaudit.source.recording import instant_at

if TYPE_CHECKING:
    from dsaudit.audit import Audit
    from dsaudit.reconcile.origins import Origins

KEY = ["tenant", "resource", "source_id"]
RAW = ("raw_row", "raw_state", "raw_error", "raw_deleted", "raw_received", "raw_changed", "last_received", "versions")
TIMES = (
    *(
        "changed_at",
        "instant",
        "read_from",
        "raw_received",
        "raw_changed",
        "last_received",
        "raw_since",
        "last_webhook",
    ),
    *("refined_state", "refined_at", "top_changed", "top_received", "of_received", *transport.TIMES),
)
PRESENT = {True: "what was received is right", False: "the row is of the present state"}
STATES = {"pending", "processed", "error", "skipped", "held"}


def gather(audit: Audit, explains: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the facts of `rows`, line by line.

    Parameters
    ----------
    explains
        Which difference the rows are: missing in raw, missing, extra, old in raw, field.
    rows
        tenant, resource, source_id; changed_at (at the source); what looking again told (`looks.Looked`); of fields
        also field, kind (how the values differ), at_source and in_refined, typed.
    """
    keys = rows.drop_duplicates(KEY).reset_index(drop=True).reindex(columns=[*KEY, "changed_at"])
    found = origins.find(audit, zip(keys["tenant"], keys["resource"], keys["source_id"], strict=True))
    keys = _of_source(audit, keys, found)
    keys = _of_raw(audit, keys)
    keys = _of_sender(audit, keys, explains)
    keys = _of_refined(audit, keys)
    keys = _dated(transport.add(audit, _dated(keys, audit), explains), audit)
    keys = sending.add(audit, logged.add(audit, keys))
    facts = contents.add(audit, explains, _by_row(rows, keys), found)
    facts = extras.add(audit, explains, kin.add(audit, explains, facts, found))
    return _concluded(facts, explains, audit)


def _dated(keys: pd.DataFrame, audit: Audit) -> pd.DataFrame:
    given = keys.assign(instant=datetime.fromisoformat(audit.instant), read_from=audit.source.started)
    times = {name: instants(given[name]) for name in TIMES if name in given}
    return given.assign(**times)


def _by_row(rows: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    more = [name for name in ("field", "kind", "at_source", "in_refined", *LOOKED) if name in rows]
    line = rows[[*KEY, *more]].rename(columns={"kind": "difference"}).assign(row=range(len(rows)))
    return line.merge(keys, how="left", on=KEY).sort_values("row").reset_index(drop=True)


def _of_source(audit: Audit, keys: pd.DataFrame, found: Origins) -> pd.DataFrame:
    """Add the own list that a record stands in and what the parameter file and the source say of it."""
    resources = audit.parameters.resources
    lines: list[dict[str, Any]] = []
    for key in zip(keys["tenant"], keys["resource"], keys["source_id"], strict=True):
        item = found.items.get(key)
        top, top_id = origins.top_of(audit, key[1], item)
        line = {"top_resource": top, "top_id": top_id or (key[2] if top == key[1] else None)}
        line["created_at"] = instant_at(item.top, resources[top].known.created) if item else None
        line["left_out"] = origins.left_out(resources[top], item)
        line["merged_into"] = _shown_id(found.merged.get(key))
        lines.append({**line, "parent_id": item.parent_id if item else None})
    keys = keys.assign(**pd.DataFrame(lines, index=keys.index, dtype=object))
    # What does not say when it changed has not changed since it was made, as far as anybody can tell.
    return keys.assign(changed_at=keys["changed_at"].where(keys["changed_at"].notna(), keys["created_at"]))


def _shown_id(source_id: Any) -> str | None:
    """Return an id as it may stand in a sentence: a number, or no more than that there is one."""
    if source_id is None or pd.isna(source_id):
        return None
    if re.fullmatch(r"\d{1,20}", source_id, re.ASCII):
        return str(source_id)
    return "another record"


def _of_raw(audit: Audit, keys: pd.DataFrame) -> pd.DataFrame:
    """Add the newest version received of a key and, as ``top_…``, of the record of the own list that it stands in."""
    none = dict.fromkeys([*RAW, "top_changed", "top_deleted", "top_received", "raw_since", "last_webhook"])
    if audit.parameters.raw is None:
        return keys.assign(**none, has_raw=False, embedded=False)
    # What has no raw row of its own came, or did not, with the record that it stands in.
    own = keys["resource"].map(audit.parameters.whole.has_raw_rows).astype(bool)
    ends = {"resource": "top_resource", "source_id": "top_id"}
    received = keys.assign(**{one: keys[one].where(own, keys[top]) for one, top in ends.items()})
    keys = beside(keys, ask(audit, "newest_raw", _arrays(received, "resource", "source_id")), RAW)
    tops = ask(audit, "newest_raw", _arrays(keys, "top_resource", "top_id"))
    renamed = {"raw_changed": "top_changed", "raw_deleted": "top_deleted", "last_received": "top_received"}
    keys = beside(keys, tops.rename(columns=renamed), [*renamed.values()])
    span = ask(audit, "raw_span")
    if len(span):
        keys = keys.merge(span, how="left", on=["tenant", "top_resource"])
    keys = keys.assign(**{name: None for name in ("raw_since", "last_webhook") if name not in keys})
    known = messages.names(audit.parameters, audit.database)
    failed = keys["raw_error"].where(keys["raw_state"] == "error")
    classes = [messages.template(one if isinstance(one, str) else None, known) for one in failed]
    states = keys["raw_state"].where(keys["raw_state"].isin(STATES))
    return keys.assign(has_raw=True, embedded=~own, error_class=classes, raw_state=states)


def _of_sender(audit: Audit, keys: pd.DataFrame, explains: str) -> pd.DataFrame:
    """Add to extra rows the other tenant whose account sent what they were built from."""
    known = keys["raw_row"].notna()
    if explains != "extra" or audit.parameters.deliveries is None or not known.any():
        return keys.assign(sent_by=None)
    rows = pd.DataFrame({"rows": keys.loc[known, "raw_row"]}, dtype=object).reset_index()
    return beside(keys, _replaced(ask(audit, "senders", rows[["rows"]]), rows["index"]), ["sent_by"])


def _arrays(keys: pd.DataFrame, resource: str, source_id: str) -> pd.DataFrame:
    return pd.DataFrame({"tenants": keys["tenant"], "resources": keys[resource], "ids": keys[source_id]}, dtype=object)


def _of_refined(audit: Audit, keys: pd.DataFrame) -> pd.DataFrame:
    """Add the refined row of each key, and what the raw row that it was built from is a version of."""
    columns = ("row_id", "gone", "refined_state", "refined_at", "built_from")
    parts = []
    for name, part in keys.groupby("resource", sort=False):
        arrays = pd.DataFrame({"tenants": part["tenant"], "ids": part["source_id"]}, dtype=object)
        answer = ask(audit, "refined", arrays.reset_index(drop=True), str(name))
        parts.append(beside(part.reset_index(), answer, columns).set_index("index"))
    keys = pd.concat(parts).sort_index() if parts else keys.assign(**dict.fromkeys(columns))
    built = keys["built_from"].notna()
    of = ("of_tenant", "of_resource", "of_id", "of_received")
    if audit.parameters.raw is None or not built.any():
        return keys.assign(**dict.fromkeys(of))
    rows = pd.DataFrame({"rows": keys.loc[built, "built_from"]}, dtype=object).reset_index()
    answer = ask(audit, "raw_rows", rows[["rows"]])
    return beside(keys, _replaced(answer, rows["index"]), of)


def _replaced(answer: pd.DataFrame, index: pd.Series) -> pd.DataFrame:
    return answer.assign(place=index.to_numpy()[answer["place"].astype(int)]) if len(answer) else answer


def _concluded(facts: pd.DataFrame, explains: str, audit: Audit) -> pd.DataFrame:
    """Add what follows from several facts together."""
    right = facts["raw_right"].eq(True)
    live = facts["raw_row"].notna() & facts["raw_deleted"].ne(True) & ~(facts["embedded"] & facts["unreached"])
    waits = facts["raw_deleted"].eq(True) & facts["raw_state"].isin(("pending", "error"))
    unrefined = {"missing": live & facts["gone"].ne(True), "field": right, "extra": waits}.get(explains, live & False)
    policy = audit.parameters.policy
    recently = facts["instant"] - timedelta(seconds=policy.in_flight_seconds)
    # A time that had not yet been at the instant is wrong, and proves nothing.
    latest = facts["instant"] + timedelta(seconds=policy.clock_error_seconds)
    is_recent = (facts["raw_received"] >= recently) & (facts["raw_received"] <= latest)
    under_way = unrefined & facts["raw_state"].eq("pending") & is_recent
    # What has come with the right value is not wrong because something else of the record has not come.
    unreached = facts["unreached"] & ~right
    of_key = (facts["of_id"] == facts["source_id"]) & (facts["of_resource"] == facts["resource"])
    same_row = facts["built_from"].isna() | (facts["built_from"] == facts["raw_row"])
    present = right & (same_row & facts["raw_state"].eq("processed") | of_key & facts["built_right"].eq(True))
    return facts.assign(
        unreached=unreached,
        just_received=under_way,
        unrefined=unrefined & ~under_way,
        newest=_newest(facts[facts["in_flight"] | under_way]),
        built_earlier=of_key & ~same_row & facts["built_right"].ne(True),
        present_words=facts["has_raw"].map(
            {True: "what was received is right", False: "the row is of the present state"}
        ),
        refined_present=present | (~facts["has_raw"] & (facts["refined_state"] == facts["changed_at"])),
        elsewhere=facts[["same_as_older", "twin", "held_by", "perhaps_held"]].notna().any(axis=1),
        second_of=_second_of(facts, of_key),
        never_written=facts["row_id"].isna() & ~facts["embedded"].eq(True),
        sourceless=facts["refined_state"].fillna(facts["refined_at"]) >= facts["raw_since"],
        deletion=_deletion(facts),
    )


def _newest(facts: pd.DataFrame) -> pd.Series:
    """Say of what is under way when it came, or that it has not come yet."""
    times = zip(facts["last_received"].fillna(facts["refined_at"]), facts["changed_at"], strict=True)
    words = [
        f"changed {instant_text(changed)} at the source, and had not come" if pd.isna(came)
        else f"its newest state came {instant_text(came)}"
        for came, changed in times
    ]  # fmt: skip
    return pd.Series(words, index=facts.index, dtype=object)


def _second_of(facts: pd.DataFrame, of_key: pd.Series) -> pd.Series:
    """Return what an extra row was built from where that is a version of another object of the same tenant."""
    other = facts["of_id"].notna() & ~of_key & ~facts["embedded"] & (facts["of_tenant"] == facts["tenant"])
    names = facts["of_resource"].where(other, "") + " "
    return (names + facts["of_id"].map(_shown_id).fillna("")).where(other, None)


def _deletion(facts: pd.DataFrame) -> pd.Series:
    """Say what is known of the deletion of rows that the source no longer has."""
    never = facts["has_log"].map({True: "no deletion of it ever came", False: "no deletion of it is stored"})
    told = facts["arrival"].where(facts["arrival"] != "", never)
    return told.mask(facts["raw_deleted"].eq(True), "that row says that it is deleted, and the refined one lives")
