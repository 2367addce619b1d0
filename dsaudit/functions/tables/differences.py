"""The differences of phase 5 in one frame, and tables that count them: by field, by cause, in the order of ids."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from dsaudit.functions import accuracy
from dsaudit.reconcile import Sides, sides
from dsaudit.verdict import causes

if TYPE_CHECKING:
    from dsaudit.audit import Audit

Row = dict[str, Any]
RECORD = ["tenant", "resource", "source_id"]
TIMES = ["changed_at", "received_at", "updated_at", "refined_at"]
COLUMNS = [*RECORD, "what", "field", "kind", "at_source", "in_refined", "cause", "group", "class", "evidence", *TIMES]
COLUMNS += ["rank", "ranks", "examined", "leads"]


def differences(audit: Audit) -> pd.DataFrame:
    """Records that are missing, extra or different: a line for each difference, of fields a line for each field.

    needs: source
    key: source_id
    show: what, field, kind, cause, group, class, evidence
    """
    kept: pd.DataFrame | None = audit.kept.get("lines of differences")
    if kept is None:
        lines = pd.concat([_lines(what, *check(audit)) for what, check in _checks(audit).items()], ignore_index=True)
        lines = lines.reindex(columns=COLUMNS)
        lines["group"] = lines["cause"].map(causes.group)
        lines["class"] = lines["cause"].map(causes.kind)
        lines["leads"] = _leads(lines)
        _add_times(audit, lines)
        _add_ranks(audit, lines)
        kept = lines.sort_values(["tenant", "resource", "rank"], kind="stable", ignore_index=True)
        kept.attrs["unread"] = [*_unread(audit)]
        audit.kept["lines of differences"] = kept
    return kept.copy()


Check = Callable[["Audit"], tuple[pd.DataFrame, pd.DataFrame]]


def _checks(audit: Audit) -> dict[str, Check]:
    """Return what a difference is called and the check that finds it, in the order of a record's way."""
    received = {"missing in raw": accuracy.source_missing_in_raw} if audit.parameters.raw else {}
    old = {"old in raw": accuracy.raw_differs_from_source} if audit.parameters.raw else {}
    return {
        **received,
        "missing in refined": accuracy.source_missing_in_refined,
        **old,
        "field": accuracy.field_differences,
        "extra": accuracy.refined_missing_at_source,
    }


def _lines(what: str, rows: pd.DataFrame, examined: pd.DataFrame) -> pd.DataFrame:
    """Return a check's rows as lines; what they tell of the fields or of the row stands in `field` and `kind`."""
    if rows.empty:
        return pd.DataFrame(columns=COLUMNS, dtype=object)
    counted: dict[Any, Any] = {(one["tenant"], one["resource"]): one["examined"] for one in examined.to_dict("records")}
    places = zip(rows["tenant"], rows["resource"], strict=True)
    told = rows.rename(columns={"fields": "field", "refined": "kind"})
    return told.assign(what=what, examined=pd.Series([*map(counted.get, places)], rows.index, object))


def _leads(lines: pd.DataFrame) -> pd.Series:
    """Return for each line whether it stands for its record: the first on its way that is a fault, else the first."""
    ordered = lines.sort_values("class", key=lambda one: one.eq("expected"), kind="stable")
    return ~ordered.duplicated(RECORD).reindex(lines.index) | lines["source_id"].isna()


def _add_times(audit: Audit, lines: pd.DataFrame) -> None:
    """Fill in when each record changed at the source, was received and refined, as far as either side knows."""
    keys = zip(lines["tenant"], lines["resource"], lines["source_id"], strict=True)
    known = [_times(sides(audit, name), (tenant, source_id)) for tenant, name, source_id in keys]
    for place, name in enumerate(TIMES):
        told = pd.Series([times[place] for times in known], lines.index, object)
        lines[name] = pd.to_datetime(told, utc=True).astype("datetime64[us, UTC]")


def _times(both: Sides, key: tuple[str, str]) -> tuple[Any, ...]:
    raw = (both.raw or {}).get(key) or {}
    refined: Row = next(iter([*both.live(key), *both.refined.get(key, [])]), {})
    return both.changed(key), raw.get("received_at"), refined.get("updated_at"), refined.get("refined_at")


def _add_ranks(audit: Audit, lines: pd.DataFrame) -> None:
    """Say where each record stands in the order of the source's ids, from 0, and how many ids there are.

    Numbers stand in their order, other ids in that of their characters. What the source does not have gets the place
    where it would stand.
    """
    ranks = pd.Series(pd.NA, lines.index, "Int64")
    counts, ends = ranks.copy(), lines.attrs.setdefault("ends", {})
    for place, part in lines.groupby(["tenant", "resource"], sort=False):
        tenant, name = map(str, place)
        listed = [item.source_id for item in audit.source.items(tenant, name)]
        order = _number if all(map(_is_number, listed)) else str
        ids = sorted(set(listed), key=order)
        known = part["source_id"].dropna()
        known = known[known.map(_is_number)] if order is _number else known
        ranks[known.index] = [bisect_left(ids, order(one), key=order) for one in known]
        counts[part.index] = len(ids)
        ends.setdefault(tenant, {})[name] = [ids[0], ids[-1]] if ids else []
    lines["rank"], lines["ranks"], lines["examined"] = ranks, counts, lines["examined"].astype("Int64")


def _is_number(source_id: str) -> bool:
    return source_id.isascii() and source_id.isdecimal()


def _number(source_id: str) -> Any:
    return int(source_id)


def _unread(audit: Audit) -> Iterator[str]:
    """Yield the lists of the source that could not be relied on: nothing of them was compared."""
    for name in audit.parameters.resources:
        yield from (f"{tenant}, {name}" for tenant in sides(audit, name).problems)


def differences_by_field(audit: Audit) -> pd.DataFrame:
    """Fields that differ from the source, and how.

    needs: source
    show: field, kind
    """
    lines = differences(audit)
    fields = lines[lines["what"] == "field"]
    keys = ["tenant", "resource", "field", "kind"]
    counted = fields.groupby(keys, as_index=False).agg(records=("source_id", "size"), compared=("examined", "max"))
    return counted.sort_values(["records", *keys], ascending=[False, *[True] * len(keys)], ignore_index=True)


def differences_by_cause(audit: Audit) -> pd.DataFrame:
    """Records that are missing, extra or different, by the cause of it; each is counted once for a cause.

    needs: source
    show: group, cause, class
    """
    keys = ["group", "cause", "class", "resource"]
    counted = differences(audit).drop_duplicates([*RECORD, "cause"]).groupby(keys, as_index=False)
    lines = counted.agg(records=("source_id", "size"))
    order = pd.Series([causes.GROUPS.index(one) for one in lines["group"]], lines.index, int)
    sorts = ["order", "cause", "records", "resource"]
    return lines.assign(order=order).sort_values(sorts, ascending=[True, True, False, True])[[*keys, "records"]]


def differences_by_id(audit: Audit) -> pd.DataFrame:
    """Records that differ alike and stand side by side in the order of the source's ids, the longest run first.

    needs: source
    key: first_id, last_id
    show: what
    """
    lines = differences(audit)
    lines = lines[lines["leads"] & (lines["class"] != "expected") & lines["rank"].notna()]
    place = ["tenant", "resource", "what"]
    lines = lines.sort_values([*place, "rank"], kind="stable")
    begins = lines.groupby(place)["rank"].diff().gt(1) | ~lines.duplicated(place)
    told = lines.groupby(begins.cumsum()).agg(
        **{name: (name, "first") for name in place},
        records=("rank", "size"),
        first_id=("source_id", "first"),
        last_id=("source_id", "last"),
        changed_from=("changed_at", "min"),
        changed_to=("changed_at", "max"),
    )
    told = told[told["records"] > 1]
    told = told.assign(**{name: told[name].dt.date for name in ("changed_from", "changed_to")})
    return told.sort_values(["records", *place], ascending=[False, True, True, True], kind="stable", ignore_index=True)
