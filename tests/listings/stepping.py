"""Goes through steps on a database in one process, which the imports are made for once: Alembic's commands and SQL.

Run in an Alembic project's folder, with the steps as JSON on standard input: a list of words, or a script.
"""

import json
import os
import sys

import psycopg
from alembic.config import main

for step in json.load(sys.stdin):
    if isinstance(step, str):
        with psycopg.connect(os.environ["LISTINGS_MIGRATIONS_URL"]) as connection:
            connection.execute(step.encode())
    else:
        main(argv=step)
