"""Compares what the source has with what was received and with what was made of it, record by record."""

from dsaudit.reconcile.causes import explained
from dsaudit.reconcile.kinds import kind_of
from dsaudit.reconcile.sides import Key, Sides, sides
from dsaudit.reconcile.values import same, same_json, typed

__all__ = ["Key", "Sides", "explained", "kind_of", "same", "same_json", "sides", "typed"]
