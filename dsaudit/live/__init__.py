"""Changes a record at the source when it is asked to, and looks how each change arrives, step by step."""

from dsaudit.live.probe import Seen, probe, seen_before
from dsaudit.live.redelivering import REDELIVERED
from dsaudit.live.steps import ACTIONS, STEPS, Step

__all__ = ["ACTIONS", "REDELIVERED", "STEPS", "Seen", "Step", "probe", "seen_before"]
