"""Receives webhooks."""

import hashlib
import hmac

from flask import abort, request


def receive(secret: bytes):
    body = request.get_data()
    given = request.headers.get("X-Signature", "")
    expected = hmac.new(secret, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, given):
        abort(401)
    match request.headers["X-Topic"]:
        case "member.created" | "member.updated":
            return "member kept"
        case "member.removed":
            return "member voided"
        case "invoice.created" | "invoice.updated":
            return "invoice kept"
        case "invoice.removed":
            return "invoice voided"
    return "unknown"
