"""A system of which much cannot be told: each check has to say so, and why, and to judge what can be told beside it."""

from __future__ import annotations

from dataclasses import replace

from tests.shapes.systems import Shape

# One item of each list comes from elsewhere, nothing receives webhooks, and what reads members was not read itself.
CODE = {
    "code/rights.py": '''
"""What is asked for, and what is to be told of."""

from elsewhere import MORE_HOOKS, MORE_RIGHTS

RIGHTS = ["read_members", *MORE_RIGHTS]  # who they are
HOOKS = ["member.created", "member.updated", "member.removed", *MORE_HOOKS]
''',
    "code/pull.py": '''
"""Reads the source."""

from elsewhere import reader


def pull_members(keep):
    for batch in reader("members"):
        keep(batch)
''',
}

DOUBTS = Shape(
    # Letters have no sync function, and that of notes is not in the code; neither has its table. Notes are not granted.
    # South's webhooks were not exported, and north's record does not list its own. The last sync of north's members
    # brought nothing, though all of them were there; those before it brought them all, but for the first.
    """
    create table member (org text, code text, changed timestamptz, primary key (org, code));
    insert into member values ('n', 'a', '2026-01-01T00:00:00Z'), ('n', 'b', '2026-01-02T00:00:00Z'),
                              ('s', 'a', '2026-01-01T00:00:00Z');
    create table run (org text, kind text, began timestamptz, ended timestamptz, got integer);
    insert into run select 'n', 'member', at, at + interval '1 min', got from (values
      (timestamptz '2026-01-03T00:00:00Z', 1), ('2026-01-04T00:00:00Z', 2), ('2026-01-05T00:00:00Z', 2),
      ('2026-01-06T00:00:00Z', 0)) as runs (at, got);
    insert into run values ('s', 'member', '2026-01-03T00:00:00Z', '2026-01-03T00:01:00Z', 1);
    create table record (org text, granted jsonb, hooks jsonb);
    insert into record values ('n', '["read_members"]', '{}'), ('s', '["read_members"]', '{"topics": []}');
    """,
    {
        "export/n/members.jsonl": """
{"code": "a", "changed": "2026-01-01T00:00:00Z"}
{"code": "b", "changed": "2026-01-02T00:00:00Z"}
""",
        "export/s/members.jsonl": '{"code": "a", "changed": "2026-01-01T00:00:00Z"}',
        **{f"export/{one}/scopes.jsonl": '{"handle": "read_members"}' for one in ("n", "s")},
        "export/n/hooks.jsonl": "\n".join(
            f'{{"topic": "member.{what}", "address": "https://doubts.example/"}}'
            for what in ("created", "updated", "removed")
        ),
        **CODE,
    },
    """
integration: doubts
database: {url_env: SHAPE_URL}
policy: {in_flight_seconds: 0, clock_error_seconds: 0}
tenants: [{name: north, id: n, account: n}, {name: south, id: s, account: s}]
source: {kind: files, folder: FOLDER/export, scopes: scopes.jsonl, subscriptions: hooks.jsonl}
syncs:
  table: run
  columns: {tenant: org, resource: kind, started_at: began, ended_at: ended, fetched: got, pages: none, watermark: none,
            error: none}
record: {table: record, columns: {tenant: org, scopes: granted, registration: hooks}}
code: {folder: FOLDER/code, scopes: RIGHTS, topics: HOOKS, sync: "pull_*"}
webhooks: {address: 'https://doubts\\.example/'}
defaults: {tenant: org, key: code, updated: changed}
resources:
  member:
    table: member
    id_from: code
    read: members.jsonl
    scope: read_members
    sync: pull_members
    webhooks: [member.created, member.updated, member.removed]
  note: {table: note, sync: pull_notes, scope: read_notes}
  letter: {table: letter}
relations: [{child: note.member, parent: member.code, on_delete: cascade}]
""",
    {},
)
# With a file that does not parse.
UNREAD = replace(DOUBTS, exports=DOUBTS.exports | {"code/broken.py": "def pull_nothing(:\n"})
