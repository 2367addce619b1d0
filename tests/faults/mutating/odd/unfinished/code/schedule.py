"""Runs the task once a day, and another one."""

beat_schedule = {"nightly": {"task": "pull", "schedule": 86400}, "tidy": {"task": "tidy", "schedule": 60}}
