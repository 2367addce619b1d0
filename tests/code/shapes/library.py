"""A provider's own library, which pages and waits by itself, out of sight."""

import logging

import stripe

logger = logging.getLogger(__name__)


def fetch_and_ingest_uuul_charges(db):
    for charge in stripe.Charge.list(limit=100).auto_paging_iter():
        db.add(charge)
    logger.info("charges")
