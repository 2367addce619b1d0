"""Reads the ledger: synchronous, in functions, with a generator that pages."""

import logging
import time

import requests

log = logging.getLogger("ledger")


def _batches(session: requests.Session, path: str):
    cursor = None
    while True:
        answer = session.get(path, params={"after": cursor}, timeout=10)
        if answer.status_code == 429:
            time.sleep(float(answer.headers["Retry-After"]))
            continue
        answer.raise_for_status()
        body = answer.json()
        yield body["items"]
        cursor = body.get("next")
        if not cursor:
            return


def _pull(session: requests.Session, path: str, keep) -> int:
    count = 0
    try:
        for batch in _batches(session, path):
            keep(batch)
            count += len(batch)
    except requests.RequestException:
        log.exception("pulling %s broke off after %s", path, count)
        raise
    log.info("pulled %s of %s", count, path)
    return count


def pull_members(session, keep):
    return _pull(session, "/members", keep)


# Note: Line does not have dedicated webhooks in the Ledger API
# Data is synced via parent Invoice webhooks
# Verified: 2026-03-01 - the ledger's team
# Source: https://ledger.example/docs/hooks
def pull_invoices(session, keep):
    return _pull(session, "/invoices", keep)
