"""Tells somewhere that the state of a system has changed: that, and not each run, is worth a message.

The message holds counts and a link, no data, no keys and no reasons, which may quote data.
"""

from __future__ import annotations

import ipaddress
import os
import threading
from typing import Any
from urllib.parse import quote, urlsplit

from dsaudit.parameters import Parameters
from dsaudit.parameters.evidence import Evidence
from dsaudit.report.telling import COUNTED, counts

Record = dict[str, Any]
SECONDS = 10.0


def notify(result: Record, parameters: Parameters) -> str:
    """Post the change of state of a run, where the file wants it and there is one; return what came of it, or nothing.

    Nothing that goes wrong here changes a run. The address may be a secret and is never told.
    """
    name = parameters.evidence.notify_url_env
    message = message_of(result, parameters.evidence) if name else None
    if not name or message is None:
        return ""
    address = os.environ.get(name, "")
    if not _may_be_posted_to(address):
        return f"the change of state was not told: {name} holds no https address, nor one of this machine"
    told: list[str] = []
    thread = threading.Thread(target=lambda: told.append(_post(address, message)), daemon=True)
    thread.start()
    thread.join(SECONDS)  # a server that sends a byte a second keeps every single read within its limit
    came = told[0] if told else f"no answer within {SECONDS:.0f} s"
    return f"the change of state was not told: {came}" if came else f"told: {message['text'].splitlines()[0]}"


def message_of(result: Record, evidence: Evidence) -> Record | None:
    """Return what is posted about a run, or None where the state did not change.

    A part of an audit has no state. The first run of a system changed it only where it is not GO.
    """
    run, decision = result["run"], result["decision"]
    before = result["history"][0] if result["history"] else None
    if result["limits"] or decision == (before["decision"] if before else "GO"):
        return None
    was = before["criteria"] if before else {}
    changed = {
        one["id"]: {"before": was.get(one["id"]), "now": one["status"]}
        for one in result["criteria"]
        if one["status"] != was.get(one["id"]) and (was or one["status"] not in ("pass", "skipped"))
    }
    told = {status.value: count for status, count in counts(result["verdicts"]).items()}
    link = (evidence.report_url or "").replace("{run}", quote(run["id"], safe=""))
    words = ", ".join(f"{told[status]} {word}" for status, word in COUNTED.items() if status in told)
    since = f"before {before['decision']}" if before else "the first run"
    lines = [
        f"{run['integration']} ({run['environment']}): {decision}, {since}",
        f"Checks: {words}",
        f"Criteria that changed: {', '.join(changed)}" if changed else "",
        link,
    ]
    return {
        "text": "\n".join(line for line in lines if line),
        "integration": run["integration"],
        "environment": run["environment"],
        "run": run["id"],
        "decision": decision,
        "before": before["decision"] if before else None,
        "checks": told,
        "criteria": changed,
        "report": link or None,
    }


def _may_be_posted_to(address: str) -> bool:
    """Return whether an address is one of https, or on this machine."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host)
    try:
        return parts.scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


def _post(address: str, message: Record) -> str:
    """Post, and return what went wrong, without the address, or nothing."""
    import httpx

    try:
        with (
            httpx.Client(timeout=SECONDS, follow_redirects=False) as client,
            client.stream("POST", address, json=message) as answer,
        ):
            return "" if answer.is_success else f"the answer was {answer.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        return type(error).__name__
