"""The switches by which the provider can be made to misbehave; each is read where the misbehaviour happens."""

from collections import Counter
from typing import Any

KNOWN = {
    "drop_deliveries": "topics, or {topic, nth}: these deliveries are never sent",
    "delay_deliveries": "{topic: seconds}: these deliveries are sent so much later",
    "reorder": "true or topics: of two deliveries of one object the older is sent last",
    "bad_signature": "true or topics: signed with another secret",
    "duplicate_all": "true or topics: every delivery is sent twice",
    "revoked_scopes": "scopes that are no longer granted",
    "further_scopes": "scopes that are granted though nobody needs them",
    "revoked_tokens": "domains of shops that no longer accept the access token",
    "refused_topics": "topics that cannot be subscribed to",
    "remove_failing_subscriptions": "true: a subscription is removed once a delivery has used up its tries",
    "missing_page": "collections whose second page is left out of the listing",
    "capped_feeds": "{collection: n}: what changed since an instant is listed up to n records, without a next page",
    "clock_ahead": "seconds by which the provider's clock is ahead in what its answers tell",
    "triggered_ahead": "seconds by which the time is ahead that deliveries tell as that of their event",
    "short_count": "{collection: n}: count.json says n fewer",
}
_BY_TOPIC = ("drop_deliveries", "reorder", "bad_signature", "duplicate_all")


class UnknownFault(Exception):
    """A switch that the provider does not have, or not with such a value."""


class Faults:
    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._seen: Counter[str] = Counter()

    def set(self, changes: dict[str, Any]) -> None:
        for name in changes:
            if name not in KNOWN:
                raise UnknownFault(f"{name!r} is not a fault of the source; it has: {', '.join(sorted(KNOWN))}")
            if isinstance(changes[name], dict) and name in _BY_TOPIC and "topic" not in changes[name]:
                raise UnknownFault(f"{name} needs a topic, as in {{'topic': 'orders/updated', 'nth': 2}}")
        for name, value in changes.items():
            self._forget(name)
            if value is None:
                self.values.pop(name, None)
            else:
                self.values[name] = value

    def _forget(self, name: str) -> None:
        for key in [key for key in self._seen if key.startswith(name)]:
            del self._seen[key]

    def get(self, name: str, default: Any = None) -> Any:
        return self.values.get(name, default)

    def covers(self, name: str, member: str) -> bool:
        """Whether a switch is on for this topic or collection: true, one name, a list, or the nth of one."""
        value = self.values.get(name)
        if isinstance(value, dict):
            return self._is_nth(name, value, member)
        return value is True or value == member or (isinstance(value, list) and member in value)

    def _is_nth(self, name: str, value: dict[str, Any], member: str) -> bool:
        if value["topic"] != member:
            return False
        key = f"{name} {member}"
        self._seen[key] += 1
        return "nth" not in value or self._seen[key] == value["nth"]
