"""Providers' own libraries, which page by themselves or leave that to the caller, and wait out of sight."""

import logging
import time

import stripe
from quickbooks.objects.customer import Customer

logger = logging.getLogger(__name__)


def fetch_and_ingest_fuul_charges(db):
    for charge in stripe.Charge.list(limit=100).auto_paging_iter():
        db.add(charge)
    logger.info("charges")


def fetch_and_ingest_fffa_invoices(db):
    starting_after = None
    while True:
        try:
            page = stripe.Invoice.list(limit=100, starting_after=starting_after)
        except stripe.error.RateLimitError:
            time.sleep(2)
            continue
        for invoice in page.data:
            db.save(invoice)
        if not page.has_more:
            break
        starting_after = page.data[-1].id


def fetch_and_ingest_fual_customers(client, db):
    start = 1
    while True:
        batch = Customer.filter(start_position=start, max_results=100, qb=client)
        if not batch:
            break
        for customer in batch:
            db.save(customer.to_dict())
        start += 100
    logger.info("customers")


def fetch_and_ingest_uufl_payouts(db):
    try:
        for payout in stripe.Payout.list(limit=100):
            db.save(payout)
    except stripe.StripeError as error:
        logger.error("payouts: %s", error)
        raise
