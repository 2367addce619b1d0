"""Helpers of waiting.py."""

import asyncio
from functools import wraps

import httpx

LIMITED = 429


class ApiError(Exception):
    pass


class RateLimited(ApiError):
    pass


def wait_time(response: httpx.Response) -> float:
    return float(response.headers["retry-after"])


async def slow_down(response: httpx.Response) -> None:
    await _pause()


async def _pause() -> None:
    await asyncio.sleep(1)


class PatientClient(httpx.AsyncClient):
    async def request(self, *arguments, **named):
        response = await super().request(*arguments, **named)
        if response.status_code == 429:
            await asyncio.sleep(1)
        return response


def patient(times: int):
    def decorate(function):
        @wraps(function)
        async def again(*arguments):
            for _ in range(times):
                response = await function(*arguments)
                if response.status_code != LIMITED:
                    return response
                await asyncio.sleep(1)

        return again

    return decorate
