"""Does the declared flows through the system's own API, sees what becomes of each step, and takes it away again."""

from dsaudit.flows.running import flows_done, flows_done_before, nothing, ran

__all__ = ["flows_done", "flows_done_before", "nothing", "ran"]
