"""Compares what the source has with what was received and with what was made of it, record by record."""

from dsaudit.reconcile.causes import explained, undecided
from dsaudit.reconcile.kinds import kind_of
from dsaudit.reconcile.looks import Differences
from dsaudit.reconcile.newest import ahead_of_raw, latest, newest_due
from dsaudit.reconcile.recheck import not_looked_at_again
from dsaudit.reconcile.sides import Key, Sides, problems_of, rows_of, sides, sides_of
from dsaudit.reconcile.values import agree, as_declared, same_json, typed

__all__ = [
    "Differences",
    "Key",
    "Sides",
    "agree",
    "ahead_of_raw",
    "as_declared",
    "explained",
    "kind_of",
    "latest",
    "newest_due",
    "not_looked_at_again",
    "problems_of",
    "rows_of",
    "same_json",
    "sides",
    "sides_of",
    "typed",
    "undecided",
]
