"""The audit that a notebook holds: it runs checks, judges what they bring home, and shows the verdicts."""

from dsaudit.audit.audit import Audit, AuditNotPassed, open

__all__ = ["Audit", "AuditNotPassed", "open"]
