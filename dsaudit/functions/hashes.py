"""Phase 4: the content hashes, computed anew."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from dsaudit.audit import Audit

PAYLOADS = """
select tenant, resource, source_id, row_id, content_hash, payload::text as payload
from {raw} as r where content_hash is not null
"""
# The canonical form: sorted keys, no blanks, text not escaped to ASCII.
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def stored_hashes_match_payload(audit: Audit) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every stored hash is the hash of its payload.

    why: where the recipe and the stored hashes have drifted apart, equal contents differ and duplicates pass unseen
    requirement: DS4.1
    severity: high
    scope: tenant, resource
    needs: raw.hash
    key: source_id, row_id
    show: content_hash
    remedy: compute the hashes of these rows anew, in the code's present recipe
    """
    raw = audit.parameters.raw
    assert raw is not None and raw.hash is not None
    return audit.database.again(partial(_compared, audit, raw.hash.digest))


def _compared(audit: Audit, digest: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows whose hash is another, and how many were looked at, without ever holding all of them."""
    examined: Counter[tuple[str, str]] = Counter()
    wrong = []
    new = getattr(hashlib, digest)
    filled = audit.relations.fill(PAYLOADS)
    for rows in audit.database.batches(filled.sql, {**audit.values(), **filled.values}):
        examined.update((row.tenant, row.resource) for row in rows)
        wrong += [
            (row.tenant, row.resource, row.source_id, row.row_id, row.content_hash)
            for row in rows
            if new(_canonical(json.loads(row.payload)).encode()).hexdigest() != row.content_hash
        ]
    named = pd.DataFrame(wrong, columns=["tenant", "resource", "source_id", "row_id", "content_hash"], dtype=object)
    looked_at = [(tenant, resource, count) for (tenant, resource), count in examined.items()]
    return named.sort_values([*named.columns]), pd.DataFrame(looked_at, columns=["tenant", "resource", "examined"])
