"""Reads the source: once, completely, into a recording that every phase of the run shares."""

from dsaudit.source.again import has_acted, replay, resume
from dsaudit.source.alone import Alone, may_read_one
from dsaudit.source.collecting import reachable, record
from dsaudit.source.estimating import estimated
from dsaudit.source.reading import SourceError
from dsaudit.source.recording import Recording
from dsaudit.source.sent import Sent, sent, sent_problem, sent_since
from dsaudit.source.trying import tried

__all__ = [
    "Alone", "Recording", "Sent", "SourceError", "estimated", "has_acted", "may_read_one", "reachable", "record",
    "replay", "resume", "sent", "sent_problem", "sent_since", "tried",
]  # fmt: skip
