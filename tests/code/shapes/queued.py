"""Tasks of a queue that run again by themselves; a generator that pages; retries of connections alone."""

import backoff
import httpx
import requests
from celery import shared_task
from celery.utils.log import get_task_logger
from tenacity import retry, retry_if_exception_type, retry_if_result, stop_after_attempt, wait_fixed

logger = get_task_logger(__name__)
API = "https://api.stripe.example/v1"
DROPPED = (httpx.ConnectError, httpx.ReadTimeout)


def _listed(path, key, **params):
    with httpx.Client(base_url=API, auth=(key, ""), transport=httpx.HTTPTransport(retries=3)) as client:
        more = True
        while more:
            body = client.get(path, params=params).raise_for_status().json()
            yield from body["data"]
            more = body["has_more"]
            if more:
                params["starting_after"] = body["data"][-1]["id"]


@shared_task(autoretry_for=(httpx.HTTPError,), retry_backoff=True, max_retries=5)
def fetch_and_ingest_fffl_charges(key, model):
    for charge in _listed("/charges", key):
        model.objects.update_or_create(stripe_id=charge["id"], defaults={"payload": charge})
    logger.info("charges")


@shared_task(rate_limit="10/s")
def fetch_and_ingest_faaa_customers(key, model):
    for customer in _listed("/customers", key):
        try:
            model.objects.save(customer)
        except Exception:
            continue


@shared_task
def fetch_and_ingest_aaaa_refunds(key, model):
    try:
        answer = httpx.get(f"{API}/refunds", auth=(key, ""))
        if answer.status_code != 200:
            return
        for refund in answer.json()["data"]:
            model.objects.save(refund)
    except:  # noqa: E722
        return None


@retry(retry=retry_if_exception_type(DROPPED), wait=wait_fixed(1), stop=stop_after_attempt(3))
def fetch_and_ingest_aaaa_connects_again(db):
    answer = httpx.get(f"{API}/refunds")
    answer.raise_for_status()
    db.save(answer.json())


@backoff.on_exception(backoff.expo, requests.exceptions.ConnectionError, max_tries=3)
def fetch_and_ingest_aaaa_backs_off_from_connections(db):
    answer = requests.get(f"{API}/refunds", timeout=10)
    answer.raise_for_status()
    db.save(answer.json())


@retry(wait=wait_fixed(1), stop=stop_after_attempt(3))
def fetch_and_ingest_aaaa_nothing_is_raised(db):
    db.save(requests.get(f"{API}/refunds", timeout=10).json())


@retry(retry=retry_if_result(lambda answer: answer.status_code == 429), wait=wait_fixed(1))
def _patient(path):
    return requests.get(API + path, timeout=10)


def fetch_and_ingest_afaa_by_its_result(db):
    db.save(_patient("/refunds").json())


def fetch_and_ingest_aaaa_nothing_in_its_place(db):
    try:
        orders = requests.get(f"{API}/orders", timeout=10).json()
    except Exception:
        orders = []
    db.save(orders)


def fetch_and_ingest_aafa_nothing_and_told(db):
    try:
        orders = requests.get(f"{API}/orders", timeout=10).json()
    except Exception:
        orders = None
    if orders is None:
        raise RuntimeError("orders")
    db.save(orders)


@shared_task
def _all_charges(key, model):
    for charge in _listed("/charges", key):
        model.objects.save(charge)


def fetch_and_ingest_faaa_started_by_delay(key, model):
    _all_charges.delay(key, model)


def fetch_and_ingest_uuuu_started_by_name(queue, key):
    queue.enqueue("queued._all_charges", key)
