"""A project's database migrations, tried on a scratch database: up, down and up again, empty and filled.

Alembic runs in the project's own Python, and sees nothing but a database on a server that dsaudit started. The audited
database is asked for its schema and its revision, and never migrated.
"""

from dsaudit.migrating.bench import Bench, opened
from dsaudit.migrating.locking import Lock, Locks, locked
from dsaudit.migrating.model import Walk
from dsaudit.migrating.project import ProjectError
from dsaudit.migrating.walking import walked

__all__ = ["Bench", "Lock", "Locks", "ProjectError", "Walk", "locked", "opened", "walked"]
