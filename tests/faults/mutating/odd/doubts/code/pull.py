"""Reads the source."""

from elsewhere import reader


def pull_members(keep):
    for batch in reader("members"):
        keep(batch)
