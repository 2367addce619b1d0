"""Asks a sample's API, and takes an answer that refuses for an answer."""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode

from examples.control import SampleError

# A proxy of the surroundings knows nothing of our loopback addresses.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
SECONDS = 120


def asked(
    url: str, bearer: str, headers: dict[str, str], body: object, query: dict[str, object], method: str | None = None
) -> tuple[int, Any]:
    """GET an address, or POST to it if there is a body, unless a method is given: the status and the answer."""
    given = {**headers, "Content-Type": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}?{urlencode(query)}" if query else url, data, given, method=method)
    try:
        with _opener.open(request, timeout=SECONDS) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())
    except OSError as error:
        raise SampleError(f"{url} does not answer: {error}") from None
