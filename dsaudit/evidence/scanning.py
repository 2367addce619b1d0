"""The last look through every shared file of a run: the values of its secrets, in whatever form they may stand."""

from __future__ import annotations

import base64
import html
import json
import os
from pathlib import Path
from urllib.parse import quote

from dsaudit.evidence.signing import secrets_of
from dsaudit.parameters import Parameters

SHORTEST_SECRET = 6  # characters; a shorter value would be found by chance


def scan(folder: Path, parameters: Parameters) -> list[str]:
    """Look through every shared file of a run for the values of its secrets; remove the files that hold one.

    Returns their names. The values are looked for as they are and as JSON, HTML, URL, base64 and hex would hold them.
    """
    forms = [form for value in secret_values(parameters) for form in _forms(value)]
    leaks = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or "private" in path.relative_to(folder).parts:
            continue
        content = path.read_bytes()
        if any(form in content for form in forms):
            leaks.append(path.relative_to(folder).as_posix())
            path.unlink()
    return leaks


def secret_values(parameters: Parameters) -> list[str]:
    """Return the values that must not leave: each secret, and of a URL its password too."""
    from sqlalchemy.engine import make_url

    values = []
    for name in parameters.secrets():
        value = os.environ.get(name, "")
        # What names a signing key is a path, and what must not leave is what the file holds.
        values += secrets_of(value) if name == parameters.evidence.signing_key_env else [value]
        if "://" in value:
            values.append(str(make_url(value).password or ""))
    return [value for value in values if len(value) >= SHORTEST_SECRET]


def _forms(value: str) -> list[bytes]:
    raw = value.encode()
    forms = {raw, json.dumps(value)[1:-1].encode(), html.escape(value).encode(), quote(value, safe="").encode()}
    forms |= {raw.hex().encode(), repr(value)[1:-1].encode()}
    for offset in range(3):
        # Base64 depends on where in its groups of three a value starts; the uncertain ends are cut off.
        encoded = base64.b64encode(b"\0" * offset + raw)
        forms.add(encoded[4 if offset else 0 : (len(raw) + offset) // 3 * 4])
    return sorted(form for form in forms if len(form) >= SHORTEST_SECRET)
