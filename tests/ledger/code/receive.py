"""Receives webhooks."""

import hashlib
import hmac
import os

from flask import Flask, abort, request
from storing import keep_invoice, keep_member, void_invoice, void_member

app = Flask(__name__)


@app.post("/hooks")
def receive():
    secret = os.environ["LEDGER_SECRET"].encode()
    body = request.get_data()
    given = request.headers.get("X-Signature", "")
    expected = hmac.new(secret, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, given):
        abort(401)
    match request.headers["X-Topic"]:
        case "member.created" | "member.updated":
            return keep_member(body)
        case "member.removed":
            return void_member(body)
        case "invoice.created" | "invoice.updated":
            return keep_invoice(body)
        case "invoice.removed":
            return void_invoice(body)
    return "unknown"
