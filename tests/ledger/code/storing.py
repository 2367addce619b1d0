"""Stores what came."""

import json


def _change(statement: str, body: bytes):
    from connection import connection

    connection.execute(statement, json.loads(body))


def keep_member(body: bytes):
    _change(
        "insert into member values (%(code)s, %(name)s) on conflict (code) do update set name = excluded.name", body
    )


def void_member(body: bytes):
    _change("update member set void = true where code = %(code)s", body)


def keep_invoice(body: bytes):
    _change("insert into invoice values (%(store)s, %(number)s) on conflict do nothing", body)


def void_invoice(body: bytes):
    _change("update invoice set void = true where store = %(store)s and number = %(number)s", body)
