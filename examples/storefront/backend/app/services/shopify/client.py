"""Calls to the provider's Admin API: one connection pool, the token, and patience with its rate limit."""

import asyncio
import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx

from app.core.config import get_settings
from app.core.log import Log

log = Log(__name__)

API_VERSION = "2026-07"
MAX_ATTEMPTS = 6
FIRST_WAIT, LONGEST_WAIT = 0.1, 30.0


class ShopifyApiError(Exception):
    """The provider refused a call, or did not answer it after all attempts."""

    def __init__(self, method: str, url: str, reason: str, status: int | None = None) -> None:
        super().__init__(f"{method} {url}: {reason}")
        self.status = status


@cache
def get_http() -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=8, max_keepalive_connections=8)
    return httpx.AsyncClient(timeout=httpx.Timeout(20, connect=3), limits=limits, trust_env=False)


async def close_http() -> None:
    if get_http.cache_info().currsize:
        await get_http().aclose()
        get_http.cache_clear()


def admin_url(shop: str, path: str) -> str:
    return f"{get_settings().shopify_base_url}/{shop}/admin/api/{API_VERSION}/{path}"


def oauth_url(shop: str, path: str) -> str:
    return f"{get_settings().shopify_base_url}/{shop}/admin/oauth/{path}"


async def call(
    method: str, url: str, token: str, params: dict[str, str] | None = None, body: dict[str, Any] | None = None
) -> httpx.Response:
    """One call, repeated after 429 (as long as the provider asks), after 5xx and after a lost connection."""
    headers = {"X-Shopify-Access-Token": token}
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            response = await get_http().request(method, url, headers=headers, params=params, json=body)
        except httpx.TransportError as error:
            reason, wait = type(error).__name__, FIRST_WAIT * 2**attempt
        else:
            if response.status_code != 429 and response.status_code < 500:
                return response
            reason, wait = f"status {response.status_code}", _wait_after(response, attempt)
        if attempt < MAX_ATTEMPTS:
            log.info("call_repeated", url=url, reason=reason, attempt=attempt, wait=wait)
            await asyncio.sleep(wait)
    raise ShopifyApiError(method, url, f"{reason} after {MAX_ATTEMPTS} attempts")


def _wait_after(response: httpx.Response, attempt: int) -> float:
    """What the provider asks for, and more each time: other calls of ours come back at the same moment."""
    try:
        asked = float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        asked = FIRST_WAIT
    return min(asked + FIRST_WAIT * (2 ** (attempt - 1) - 1), LONGEST_WAIT)


def json_of(response: httpx.Response) -> dict[str, Any]:
    """The body of a success; anything else is an error that says what was asked and what came."""
    method, url = response.request.method, str(response.request.url)
    if not response.is_success:
        raise ShopifyApiError(method, url, f"status {response.status_code}", response.status_code)
    try:
        body = json.loads(response.content)
    except ValueError:
        raise ShopifyApiError(method, url, "the answer is not JSON", response.status_code) from None
    if not isinstance(body, dict):
        raise ShopifyApiError(method, url, "the answer is no JSON object", response.status_code)
    return body


def now() -> datetime:
    return datetime.now(UTC)
