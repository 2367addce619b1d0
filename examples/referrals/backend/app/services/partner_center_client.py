"""Reads referrals from Partner Center, page by page."""

import json
import time
from collections.abc import Iterator
from decimal import Decimal
from types import TracebackType
from typing import Any

import httpx

from app.core import faults
from app.core.config import get_settings

REFERRALS = "/v1.0/engagements/referrals"
PAGE_SIZE = 25
# Before the second, third and fourth try of what may pass.
PAUSES = (0.1, 0.2, 0.4)
PASSING = (429, 500, 502, 503, 504)


class PartnerCenterError(Exception):
    """Partner Center cannot be read; the message is one line."""


class PartnerCenterClient:
    def __init__(self) -> None:
        settings = get_settings()
        self._base = settings.partner_center_url
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {settings.partner_center_token}"}, timeout=10, trust_env=False
        )

    def __enter__(self) -> "PartnerCenterClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def pages(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the records of each page. Raises PartnerCenterError."""
        url: str | None = f"{self._base}{REFERRALS}?$top={PAGE_SIZE}"
        while url:
            page = self._get(url)
            yield page["value"]
            url = page.get("@odata.nextLink")
            if faults.is_on("second_page_dropped"):
                return

    def _get(self, url: str) -> dict[str, Any]:
        problem = ""
        for pause in (*PAUSES, None):
            try:
                answer = self._http.get(url)
            except httpx.TransportError as error:
                problem = f"does not answer: {type(error).__name__}"
            else:
                if answer.is_success:
                    # Amounts keep every digit.
                    return json.loads(answer.text, parse_float=Decimal)
                problem = f"answered {answer.status_code}"
                if answer.status_code not in PASSING:
                    break
            if pause:
                time.sleep(pause)
        raise PartnerCenterError(f"Partner Center {problem}")
