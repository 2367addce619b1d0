"""Evidence: files written whole or not at all, looked through for secrets, and named by their digests."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dsaudit.parameters import Parameters, project_root

PACKAGES = ("dsaudit", "jupyterlab", "papermill", "nbconvert", "pandas", "sqlalchemy", "psycopg", "matplotlib")
SHORTEST_SECRET = 6  # characters; a shorter value would be found by chance


def write_atomically(path: Path, text: str) -> None:
    """Write a file under another name, sync it to disk and rename it: it is never there by half."""
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def provenance() -> dict[str, Any]:
    """Return which code made a run: commit, whether the tree was dirty, and the versions in use."""
    versions = {name: version(name) for name in PACKAGES}
    versions["python"] = platform.python_version()
    commit = _git("rev-parse", "HEAD")
    return {"commit": commit, "dirty": bool(_git("status", "--porcelain")) if commit else None, "versions": versions}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=project_root(), capture_output=True, text=True, timeout=10, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def digest(result: dict[str, Any]) -> str:
    """Return the digest of what was decided and found: the same instant and code give the same digest."""
    volatile = {"run", "nonce", "started", "seconds"}
    verdicts = [{k: v for k, v in verdict.items() if k not in volatile} for verdict in result["verdicts"]]
    core = {"decision": result["decision"], "plan": result["plan"], "verdicts": verdicts}
    return hashlib.sha256(json.dumps(core, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


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
        values.append(value)
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
