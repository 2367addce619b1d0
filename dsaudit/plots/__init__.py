"""Plots: what a table cannot say. Frames in, Axes out; no query, no global style, no legend to decode.

Every plot is 900 pixels wide at 144 dots per inch, tells its parts apart by place and shade as well as by colour, and
says "nothing to show" of an empty frame, or why it could not be read. What is drawn stands in a table too, for those
who do not see the picture.
"""

from dsaudit.plots.arrival import backlog, deliveries, ingest, latency, log, versions, webhooks
from dsaudit.plots.coverage import coverage_matrix, topic_matrix, webhook_matrix
from dsaudit.plots.differences import (
    differences_by_cause,
    differences_by_field,
    differences_by_id,
    differences_by_time,
    differences_by_time_and_id,
)
from dsaudit.plots.durations import durations, time_in_states
from dsaudit.plots.firing import schedule
from dsaudit.plots.growth import query_growth
from dsaudit.plots.live import live_times
from dsaudit.plots.locks import migration_locks
from dsaudit.plots.over_time import latency_over_time
from dsaudit.timeline.drawing import timeline

__all__ = [
    "backlog",
    "coverage_matrix",
    "deliveries",
    "differences_by_cause",
    "differences_by_field",
    "differences_by_id",
    "differences_by_time",
    "differences_by_time_and_id",
    "durations",
    "ingest",
    "latency",
    "latency_over_time",
    "live_times",
    "log",
    "migration_locks",
    "query_growth",
    "schedule",
    "time_in_states",
    "timeline",
    "topic_matrix",
    "versions",
    "webhook_matrix",
    "webhooks",
]
