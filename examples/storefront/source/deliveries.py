"""Sends what subscribers are due: signed, retried, now and then twice, and in no promised order."""

import asyncio
import base64
import hashlib
import hmac
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# The layer below httpx: its client's comforts would double the time that a delivery takes.
import httpcore

from .catalogue import API_VERSION
from .faults import Faults
from .outbox import DeliveryLog, Subscription, Subscriptions
from .store import Store

TRIES = 5
FIRST_WAIT = 0.2
SENDERS = 8
_TWICE_PERCENT = 3
_LATE_PERCENT = 5
_LATE_BY = 0.15
_HELD_AT_MOST = 3.0
_TIMEOUT = {"connect": 1.0, "read": 5.0, "write": 5.0}


@dataclass(frozen=True)
class Event:
    """Something that happened to one object, as subscribers of the topic are told."""

    topic: str
    object_id: str
    payload: str


@dataclass
class Delivery:
    number: int
    shop: str
    event: Event
    event_id: str
    webhook_id: str
    subscription: Subscription
    triggered_at: str
    repeats: int
    wrongly_signed: bool
    attempts: int = 0
    last_status: int | None = None
    outcome: str = "pending"
    finished_at: str | None = None

    @property
    def subject(self) -> tuple[str, str, str]:
        return self.shop, self.event.topic.partition("/")[0], self.event.object_id


def _digest(*parts: object) -> bytes:
    return hashlib.sha256(" ".join(map(str, parts)).encode()).digest()


def _percent(byte: int) -> int:
    return byte * 100 // 256


def _now(ahead: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=ahead)).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Dispatcher:
    def __init__(self, store: Store, faults: Faults, secret: str) -> None:
        self.subscriptions = Subscriptions(store)
        self.log = DeliveryLog(store)
        self.faults = faults
        self.secret = secret.encode()
        self.seed = store.setting("seed")
        self.number = self.log.last_number()
        self.pending = 0
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue()
        self._held: dict[tuple[str, str, str], Delivery] = {}
        self._senders: list[asyncio.Task[None]] = []

    def publish(self, shop: str, events: Iterable[Event]) -> list[str]:
        """Queue the deliveries of one action, which all carry its event id; the ids of the deliveries."""
        made: list[str] = []
        event_id = str(uuid.UUID(bytes=_digest(self.seed, "event", self.number)[:16], version=4))
        triggered_at = _now(self.faults.get("triggered_ahead", 0))
        for event in events:
            for subscription in self.subscriptions.of_topic(shop, event.topic):
                delivery = self._new(shop, event, event_id, subscription, triggered_at)
                made.append(delivery.webhook_id)
                self._schedule(delivery)
        return made

    async def keep_up(self, most: int) -> None:
        """Let the senders work until at most so many deliveries wait for one of them."""
        await asyncio.sleep(0)
        while self._queue.qsize() > most:
            await asyncio.sleep(0.001)

    def _new(self, shop: str, event: Event, event_id: str, subscription: Subscription, triggered_at: str) -> Delivery:
        self.number += 1
        draw = _digest(self.seed, "delivery", self.number)
        twice = _percent(draw[16]) < _TWICE_PERCENT or self.faults.covers("duplicate_all", event.topic)
        delivery = Delivery(
            number=self.number,
            shop=shop,
            event=event,
            event_id=event_id,
            webhook_id=str(uuid.UUID(bytes=draw[:16], version=4)),
            subscription=subscription,
            triggered_at=triggered_at,
            repeats=1 if twice else 0,
            wrongly_signed=self.faults.covers("bad_signature", event.topic),
        )
        self.log.add(delivery)
        return delivery

    def _schedule(self, delivery: Delivery) -> None:
        topic = delivery.event.topic
        self.pending += 1
        if self.faults.covers("drop_deliveries", topic):
            self._finish(delivery, "undelivered")
        elif self.faults.covers("reorder", topic) and delivery.subject not in self._held:
            self._hold(delivery)
        else:
            self._send_soon(delivery)

    def _send_soon(self, delivery: Delivery) -> None:
        self._start_senders()
        delay = self.faults.get("delay_deliveries", {}).get(delivery.event.topic)
        if delay:
            self._send_later(delivery, delay)
        elif _percent(_digest(self.seed, "late", delivery.number)[0]) < _LATE_PERCENT:
            self._send_later(delivery, _LATE_BY)
        else:
            self._queue.put_nowait(delivery)

    def _send_later(self, delivery: Delivery, wait: float) -> None:
        asyncio.get_running_loop().call_later(wait, self._queue.put_nowait, delivery)

    def _hold(self, delivery: Delivery) -> None:
        self._held[delivery.subject] = delivery
        asyncio.get_running_loop().call_later(_HELD_AT_MOST, self._release, delivery)

    def _release(self, delivery: Delivery) -> None:
        if self._held.get(delivery.subject) is delivery:
            del self._held[delivery.subject]
            self._send_soon(delivery)

    def _start_senders(self) -> None:
        if not self._senders:
            self._senders = [asyncio.create_task(self._sender()) for _ in range(SENDERS)]

    async def _sender(self) -> None:
        async with httpcore.AsyncConnectionPool(max_connections=1, keepalive_expiry=2) as connection:
            while True:
                delivery = await self._queue.get()
                delivery.attempts += 1
                delivery.last_status = await self._post(connection, delivery)
                self._judge(delivery)

    async def _post(self, connection: httpcore.AsyncConnectionPool, delivery: Delivery) -> int | None:
        """Send it once; the status of the answer, or nothing if there was none in time."""
        payload = delivery.event.payload.encode()
        headers = self._headers(delivery, payload)
        try:
            answer = await connection.request(
                "POST",
                delivery.subscription.address,
                headers=headers,
                content=payload,
                extensions={"timeout": _TIMEOUT},
            )
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
            return None
        return answer.status

    def _judge(self, delivery: Delivery) -> None:
        is_taken = delivery.last_status is not None and 200 <= delivery.last_status < 300
        if not is_taken and delivery.outcome == "pending":
            self._retry(delivery)
        elif delivery.repeats:
            delivery.repeats -= 1
            delivery.outcome = "delivered"
            self._send_later(delivery, _LATE_BY)
        else:
            self._finish(delivery, "delivered")

    def _retry(self, delivery: Delivery) -> None:
        if delivery.attempts < TRIES:
            self._send_later(delivery, FIRST_WAIT * 2 ** (delivery.attempts - 1))
            return
        if self.faults.get("remove_failing_subscriptions"):
            self.subscriptions.remove(delivery.shop, delivery.subscription.id)
        self._finish(delivery, "failed")

    def _finish(self, delivery: Delivery, outcome: str) -> None:
        self.pending -= 1
        delivery.outcome, delivery.finished_at = outcome, _now()
        self.log.update(delivery)
        held = self._held.get(delivery.subject)
        if held and held.number < delivery.number:
            self._release(held)

    def _headers(self, delivery: Delivery, payload: bytes) -> dict[bytes | str, bytes | str]:
        topic = delivery.event.topic
        secret = b"not the secret" if delivery.wrongly_signed else self.secret
        return {
            "Host": delivery.subscription.host,
            "Content-Type": "application/json",
            "Content-Length": str(len(payload)),
            "User-Agent": "storefront-source",
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-Sha256": base64.b64encode(hmac.digest(secret, payload, "sha256")).decode(),
            "X-Shopify-Shop-Domain": delivery.shop,
            "X-Shopify-API-Version": API_VERSION,
            "X-Shopify-Webhook-Id": delivery.webhook_id,
            "X-Shopify-Event-Id": delivery.event_id,
            "X-Shopify-Triggered-At": delivery.triggered_at,
        }
