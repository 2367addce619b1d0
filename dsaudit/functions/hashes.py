"""Phase 4: the content hashes, computed anew."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from dsaudit.audit import Audit

PAYLOADS = """
select tenant, resource, source_id, row_id, content_hash, payload::text as payload
from {raw} as r where content_hash is not null order by tenant, resource, source_id, row_id
"""


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
    frame = audit.query(PAYLOADS)
    examined = frame.groupby(["tenant", "resource"]).size().rename("examined").reset_index()
    computed = [_canonical_hash(payload, raw.hash.digest) for payload in frame["payload"]]
    wrong = frame[frame["content_hash"] != pd.Series(computed, index=frame.index, dtype=object)]
    return wrong.drop(columns="payload"), examined


def _canonical_hash(payload: str, digest: str) -> str:
    """Return the hash of a JSON text in canonical form: sorted keys, no blanks, text not escaped to ASCII."""
    canonical = json.dumps(json.loads(payload), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.new(digest, canonical.encode()).hexdigest()
