"""Speaks to the processes of a sample over HTTP."""

import json
import time
import urllib.error
import urllib.request
from typing import Any

# A proxy of the surroundings knows nothing of our loopback addresses.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class SampleError(Exception):
    """The sample cannot be started, reached or brought to rest; the message is one sentence."""


def call(
    url: str, token: str | None = None, body: object = None, timeout: float | None = 120, bearer: str | None = None
) -> Any:
    """GET an address, or POST to it if there is a body, and return what it answers as JSON."""
    headers = {"Content-Type": "application/json"} | ({"X-Control-Token": token} if token else {})
    headers |= {"Authorization": f"Bearer {bearer}"} if bearer else {}
    data = None if body is None else json.dumps(body).encode()
    text = _answer(urllib.request.Request(url, data, headers), timeout)
    return json.loads(text) if text else None


def fetch(url: str, timeout: float = 120) -> str:
    """GET an address whose answer is a text."""
    return _answer(urllib.request.Request(url), timeout).decode()


def _answer(request: urllib.request.Request, timeout: float | None) -> bytes:
    url = request.full_url
    try:
        with _opener.open(request, timeout=timeout) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(300).decode(errors="replace")
        raise SampleError(f"{url} answered {error.code}: {said}") from None
    except OSError as error:
        raise SampleError(f"{url} does not answer: {error}") from None


def poll(seconds: float, pause: float = 0.02) -> Any:
    """Yield at once and then again and again, until the time is over."""
    deadline = time.monotonic() + seconds
    yield
    while time.monotonic() < deadline:
        time.sleep(pause)
        yield
