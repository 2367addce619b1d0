"""The application's own logs: read once, as a stream, into the recording that every phase of a run shares."""

from dsaudit.logs.reading import Line, Notes, binned, read, since_of
from dsaudit.logs.recorded import INDEX, Log, LogError, record

__all__ = ["INDEX", "Line", "Log", "LogError", "Notes", "binned", "read", "record", "since_of"]
