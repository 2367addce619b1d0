"""Evidence: files written whole or not at all, looked through for secrets, and named by their digests."""

from dsaudit.evidence.files import below, sync, sync_all, write_atomically
from dsaudit.evidence.provenance import digest, provenance
from dsaudit.evidence.scanning import Secrets, scan, secret_values

__all__ = [
    "Secrets",
    "below",
    "digest",
    "provenance",
    "scan",
    "secret_values",
    "sync",
    "sync_all",
    "write_atomically",
]
