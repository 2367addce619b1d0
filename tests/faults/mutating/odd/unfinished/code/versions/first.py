"""A revision whose name is worked out when it runs."""

from os import environ

revision = environ["REVISION"]
down_revision = None
