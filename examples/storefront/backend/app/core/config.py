"""Settings, read from the environment once."""

import json
import os
from dataclasses import dataclass, field
from functools import cache
from typing import Any


@dataclass(frozen=True)
class Settings:
    database_url: str = field(repr=False)
    shopify_base_url: str
    shopify_token: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    control_token: str = field(repr=False)
    public_url: str
    faults: dict[str, Any]


@cache
def get_settings() -> Settings:
    return Settings(
        database_url=os.environ["DATABASE_URL"],
        shopify_base_url=os.environ["SHOPIFY_BASE_URL"].rstrip("/"),
        shopify_token=os.environ["STOREFRONT_TOKEN"],
        webhook_secret=os.environ["STOREFRONT_WEBHOOK_SECRET"],
        control_token=os.environ["STOREFRONT_CONTROL_TOKEN"],
        public_url=os.environ["PUBLIC_URL"].rstrip("/"),
        faults=json.loads(os.environ.get("STOREFRONT_FAULTS") or "{}"),
    )
