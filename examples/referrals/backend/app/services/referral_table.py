"""Writes rows of referrals, and only those that are new or say something else than the table does."""

from dataclasses import dataclass
from typing import Any

import psycopg

from app.core import faults

COLUMNS = (
    "referral_id",
    "referral_type",
    "company_name",
    "domain",
    "status",
    "deal_value",
    "currency",
    "source_created_at",
    "source_updated_at",
)
_NAMES = ", ".join(COLUMNS)
_VALUES = ", ".join(f"%({name})s" for name in COLUMNS)
_INSERT = f"insert into partner_center_referrals ({_NAMES}, synced_at) values ({_VALUES}, now())"
# Says whether the row is new; says nothing where it was there and the same.
_UPSERT = f"""{_INSERT}
on conflict (referral_id) do update
set {", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])}, synced_at = now(), updated_at = now()
where ({", ".join(f"partner_center_referrals.{name}" for name in COLUMNS[1:])})
    is distinct from ({", ".join(f"excluded.{name}" for name in COLUMNS[1:])})
returning xmax = 0"""


@dataclass
class Written:
    new: int = 0
    updated: int = 0
    unchanged: int = 0


def known_ids(connection: psycopg.Connection) -> set[str]:
    return {key for (key,) in connection.execute("select referral_id from partner_center_referrals")}


def write(connection: psycopg.Connection, rows: list[dict[str, Any]], known: set[str] | None = None) -> Written:
    """Write a page's rows in the connection's transaction; where it is `known` what is there, only what is not."""
    written = Written()
    if faults.is_on("sync_inserts_again") or known is not None:
        added = [row for row in rows if known is None or row["referral_id"] not in known]
        connection.cursor().executemany(_INSERT, added)
        return Written(new=len(added), unchanged=len(rows) - len(added))
    for row in rows:
        found = connection.execute(_UPSERT, row).fetchone()
        if found is None:
            written.unchanged += 1
        elif found[0]:
            written.new += 1
        else:
            written.updated += 1
    return written
