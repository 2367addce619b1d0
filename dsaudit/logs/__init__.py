"""The application's own logs: read once, as a stream, into the recording that every phase of a run shares."""

from dsaudit.logs.reading import Line, Notes, read, since_of
from dsaudit.logs.recorded import INDEX, Log, LogError, record

__all__ = ["INDEX", "Line", "Log", "LogError", "Notes", "read", "record", "since_of"]
