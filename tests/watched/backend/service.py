"""Where the gauges are set."""

from . import metrics


def imported(count):
    with metrics.in_progress.track_inprogress():
        metrics.results.labels("success", "full").inc()
    metrics.pending.set_function(count)
