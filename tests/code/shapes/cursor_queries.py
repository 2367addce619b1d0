"""Plain functions over `requests`, a query language with cursors."""

import logging
import time

import requests

log = logging.getLogger(__name__)
SESSION = requests.Session()


def run_query(query, variables, token):
    for _ in range(5):
        response = SESSION.post("https://shop.example/graphql.json", json={"query": query, "variables": variables})
        if response.status_code == 429:
            time.sleep(int(response.headers.get("Retry-After", 2)))
            continue
        response.raise_for_status()
        return response.json()["data"]
    raise RuntimeError("gave up")


def fetch_and_ingest_frfl_orders(db, token):
    has_next_page, cursor = True, None
    while has_next_page:
        data = run_query("orders", {"after": cursor, "first": 100}, token)
        edges = data["orders"]["edges"]
        for edge in edges:
            try:
                db.ingest(edge["node"])
            except ValueError:
                log.exception("order %s", edge["node"]["id"])
        has_next_page = data["orders"]["pageInfo"]["hasNextPage"]
        cursor = edges[-1]["cursor"] if edges else None


def fetch_and_ingest_araa_customers(db, token):
    data = run_query("customers", {"first": 100}, token)
    for edge in data["customers"]["edges"]:
        db.ingest(edge["node"])
