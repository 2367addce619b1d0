"""A client whose adapter retries, as `requests` has it."""

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

session = requests.Session()
session.mount("https://", HTTPAdapter(max_retries=Retry(total=5, status_forcelist=[429])))


def fetch_and_ingest_found_adapter() -> None:
    print(session.get("https://shop.example/orders").json())
