"""The metrics of the small import service."""

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.1, 1, 10, 60)

attempts = Counter("import_attempts_total", "Imports that were begun", ["marketplace", "quality"])
results = Counter("import_results_total", "Imports that ended", ["result", "quality"])
duration = Histogram("import_duration_seconds", "How long an import took", ["marketplace", "quality"], buckets=SECONDS)
in_progress = Gauge("imports_in_progress", "Imports that are under way")
pending = Gauge("partial_imports_pending", "Partial imports that wait for their completion")
completions = Counter("partial_import_completions_total", "Partial imports that were completed")
