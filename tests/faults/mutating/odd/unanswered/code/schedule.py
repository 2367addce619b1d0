"""Runs the task under another name than documented."""

beat_schedule = {"hourly": {"task": "pull", "schedule": 3600}, "tidy": {"task": "tidy", "schedule": 60}}
