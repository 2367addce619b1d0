"""Reads the provider: once, completely, into a recording that every phase of the run shares."""

from dsaudit.source.collecting import reachable, record
from dsaudit.source.reading import SourceError
from dsaudit.source.recording import Recording

__all__ = ["Recording", "SourceError", "reachable", "record"]
