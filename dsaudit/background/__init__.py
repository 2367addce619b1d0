"""A sync that runs in the background, asked as it runs: its API, its workers and their broker, its schedule."""

from dsaudit.background.broker import Broker, BrokerError, connected
from dsaudit.background.calls import Answered, NotAllowed, act, health, request_sync
from dsaudit.background.schedule import Entry, ScheduleError, entries
from dsaudit.background.trying import ways

__all__ = [
    "Answered",
    "Broker",
    "BrokerError",
    "Entry",
    "NotAllowed",
    "ScheduleError",
    "act",
    "connected",
    "entries",
    "health",
    "request_sync",
    "ways",
]
