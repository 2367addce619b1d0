"""The one form in which a payload is hashed and stored."""

import hashlib
import json
import re
from typing import Any

from app.core import faults

# PostgreSQL stores neither U+0000 nor half of a surrogate pair, in text or in jsonb.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def canonical_json(payload: Any) -> str:
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def content_hash(payload: dict[str, Any], canonical: str) -> str:
    """The hash under which a version is known: of the canonical form of the whole payload."""
    recipe = faults.value_of("hash_recipe")
    if recipe == "spaced":
        canonical = json.dumps(payload, sort_keys=True, ensure_ascii=False)
    elif recipe == "without_id":
        canonical = canonical_json({name: value for name, value in payload.items() if name != "id"})
    return hashlib.sha256(canonical.encode()).hexdigest()


def is_storable(canonical: str) -> bool:
    """False if the payload may hold a character that PostgreSQL refuses (json escapes U+0000, but not a surrogate)."""
    return "\\u0000" not in canonical and not _UNSTORABLE.search(canonical)


def storable(value: Any) -> Any:
    """The same value with U+FFFD in place of each character that PostgreSQL refuses."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return value
