# ruff: noqa: E501  (a record stands on one line in a file of JSON lines)
"""The shapes: tables with their rows, what the source exports, the parameter file, and faults with what must be seen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """One shape of integration.

    ``tables`` makes and fills them; ``exports`` are the source's files, by path; ``parameters`` is what the file says
    after its head. ``faults`` are statements, each with the check that must find it and the record, or field, it names.
    """

    tables: str
    exports: dict[str, str]
    parameters: str
    faults: dict[str, tuple[str, str]]


PAYLOAD_ON_THE_ROW = Shape(
    # One table, the provider's record on each row, columns generated from it; text ids, minor units, epoch seconds.
    """
    create table charge (
      charge_id text primary key,
      data jsonb not null,
      amount bigint generated always as ((data ->> 'amount')::bigint) stored,
      total numeric not null,
      created_at timestamptz not null,
      is_deleted boolean not null default false);
    insert into charge (charge_id, data, total, created_at) values
      ('ch_1', '{"id": "ch_1", "amount": 1999, "currency": "EUR", "created": 1764115200, "note": null}', 19.99,
       to_timestamp(1764115200)),
      ('ch_2', '{"id": "ch_2", "amount": 500, "currency": "JPY", "created": 1764115201}', 500,
       to_timestamp(1764115201)),
      ('ch_3', '{"id": "ch_3", "amount": 1234567, "currency": "KWD", "created": 1764115202, "rate": 0.12345678901234567890}',
       1234.567, to_timestamp(1764115202)),
      ('Ch_3', '{"id": "Ch_3", "amount": 0, "currency": "EUR", "created": 1764115203}', 0, to_timestamp(1764115203));
    insert into charge (charge_id, data, total, created_at, is_deleted)
      values ('ch_0', '{"id": "ch_0", "amount": 1}', 0.01, to_timestamp(1764115199), true);
    """,
    {
        "charges.jsonl": """
{"id": "ch_1", "amount": 1999, "currency": "EUR", "created": 1764115200}
{"id": "ch_2", "amount": 500, "currency": "JPY", "created": 1764115201}
{"id": "ch_3", "amount": 1234567, "currency": "KWD", "created": 1764115202, "rate": 0.12345678901234567890}
{"id": "Ch_3", "amount": 0, "currency": "EUR", "created": 1764115203}
"""
    },
    """
source: {kind: files, folder: FOLDER}
resources:
  charge:
    table: charge
    key: charge_id
    read: charges.jsonl
    deleted: is_deleted
    fields:
      data: {from: "", as: json}
      amount: integer
      total: {from: amount, as: money, currency: currency}
      created_at: {from: created, as: instant, epoch: seconds}
""",
    {
        "update charge set data = jsonb_set(data, '{rate}', '0.12345678901234567891') where charge_id = 'ch_3'": (
            "field_differences",
            "ch_3.data",
        ),
        "update charge set total = 5 where charge_id = 'ch_2'": ("field_differences", "ch_2.total"),
        "update charge set is_deleted = true where charge_id = 'Ch_3'": ("source_missing_in_refined", "Ch_3"),
        "update charge set is_deleted = false where charge_id = 'ch_0'": ("refined_missing_at_source", "ch_0"),
    },
)

STATUS_AND_NESTED_JSON = Shape(
    # Two tenants, a composite key of numbers, lines kept as JSON beside the columns, deleted by a word in a status.
    """
    create table invoice (
      company text not null, series integer not null, number bigint not null, lines jsonb, total numeric(12, 2),
      status text not null, changed timestamp with time zone, primary key (company, series, number));
    insert into invoice values
      ('a', 1, 1, '[{"text": "x", "price": 1.50}, {"text": "y", "price": 2}]', 3.50, 'open', '2026-03-29T00:30:00Z'),
      ('a', 11, 1, '[]', 0, 'paid', '2026-03-29T01:30:00Z'),
      ('a', 1, 11, null, 0, 'paid', '2026-03-29T01:30:00Z'),
      ('b', 1, 1, '[{"text": "z", "price": 9}]', 9, 'open', '2026-10-25T01:30:00Z'),
      ('b', 1, 2, '[]', 1, 'void', '2026-10-25T00:30:00Z');
    """,
    {
        "a/invoices.jsonl": """
{"series": 1, "number": 1, "lines": [{"price": 1.5, "text": "x"}, {"price": 2.0, "text": "y"}], "total": "3.5", "status": "open", "changed": "2026-03-29T02:30:00+02:00"}
{"series": 11, "number": 1, "lines": [], "total": "0.00", "status": "paid", "changed": "2026-03-29T03:30:00+02:00"}
{"series": 1, "number": 11, "lines": null, "total": "0", "status": "paid", "changed": "2026-03-29T03:30:00+02:00"}
""",
        "b/invoices.jsonl": """
{"series": 1, "number": 1, "lines": [{"text": "z", "price": 9}], "total": "9", "status": "open", "changed": "2026-10-25T02:30:00+01:00"}
""",
    },
    """
tenants: [{name: alpha, id: a, account: a}, {name: beta, id: b, account: b}]
source: {kind: files, folder: FOLDER}
resources:
  invoice:
    table: invoice
    key: [series, number]
    id_from: [series, number]
    tenant: company
    read: invoices.jsonl
    updated: changed
    updated_column: changed
    deleted: {status: [void, deleted]}
    fields: {lines: json, total: money, status: text, changed: instant}
""",
    {
        'update invoice set lines = \'[{"text": "y", "price": 2}, {"text": "x", "price": 1.5}]\' where lines <> \'[]\' and company = \'a\'': (
            "field_differences",
            '["1", "1"].lines',
        ),
        "update invoice set status = 'deleted' where company = 'b' and number = 1": (
            "source_missing_in_refined",
            '["1", "1"]',
        ),
        "update invoice set status = 'open' where status = 'void'": ("refined_missing_at_source", '["1", "2"]'),
        "update invoice set company = 'b' where series = 11": ("refined_missing_at_source", '["11", "1"]'),
    },
)

RAW_TABLE_EACH_AND_VIEWS = Shape(
    # A loader keeps one raw table for each type, and views read the newest version out of it; no tenants, no states.
    """
    create schema loaded;
    create table loaded.raw_order (loaded_id uuid primary key, data jsonb not null, loaded_at timestamptz not null);
    create table loaded.raw_buyer (loaded_id uuid primary key, data jsonb not null, loaded_at timestamptz not null);
    insert into loaded.raw_order values
      (md5('1')::uuid, '{"id": 1, "total": 10.10, "updated": "2026-01-01T00:00:00Z"}', '2026-01-01T00:00:01Z'),
      (md5('2')::uuid, '{"id": 1, "total": 10.20, "updated": "2026-01-02T00:00:00Z"}', '2026-01-02T00:00:01Z'),
      (md5('3')::uuid, '{"id": 9007199254740993, "total": 0, "updated": "2026-01-03T00:00:00Z"}', '2026-01-03T00:00:01Z');
    insert into loaded.raw_buyer values
      (md5('4')::uuid, '{"id": "1", "mail": "a@example.org", "updated": "2026-01-01T00:00:00Z"}', '2026-01-01T00:00:01Z');
    create view orders as
      select distinct on (data ->> 'id') (data ->> 'id')::bigint as order_id, (data ->> 'total')::numeric as total,
             (data ->> 'updated')::timestamptz as updated
      from loaded.raw_order order by data ->> 'id', loaded_at desc;
    create materialized view buyers as select data ->> 'id' as buyer_id, data ->> 'mail' as mail from loaded.raw_buyer;
    """,
    {
        "orders.jsonl": """
{"id": 1, "total": 10.2, "updated": "2026-01-02T00:00:00Z"}
{"id": 9007199254740993, "total": 0.00, "updated": "2026-01-03T00:00:00Z"}
""",
        "buyers.jsonl": """
{"id": "1", "mail": "a@example.org", "updated": "2026-01-01T00:00:00Z"}
""",
    },
    """
source: {kind: files, folder: FOLDER}
raw:
  table: loaded.raw_{resource}
  columns: {row_id: loaded_id, source_id: data.id, payload: data, received_at: loaded_at, changed_at: data.updated,
            content_hash: none, via: none, state: none, error: none}
defaults: {updated: updated}
resources:
  order:
    table: orders
    key: order_id
    read: orders.jsonl
    updated_column: updated
    fields: {total: money}
  purchaser:
    table: buyers
    key: buyer_id
    raw: buyer
    read: buyers.jsonl
    fields: {mail: text}
""",
    {
        "delete from loaded.raw_order where loaded_id = md5('2')::uuid": ("raw_differs_from_source", "1"),
        "delete from loaded.raw_order where data ->> 'id' <> '1'": ("source_missing_in_raw", "9007199254740993"),
        "update loaded.raw_buyer set data = jsonb_set(data, '{id}', '\"2\"')": ("source_missing_in_raw", "1"),
    },
)

TENANT_OF_THE_PARENT = Shape(
    # Children two levels deep say nothing of their tenant: it is that of the order above them. Rows are really deleted.
    """
    create table orders (id bigint primary key, shop integer not null, order_id text not null, unique (shop, order_id));
    create table line (id bigint primary key, parent bigint references orders, line_id text not null, qty integer);
    create table tax (line bigint references line, position integer, rate numeric, primary key (line, position));
    insert into orders values (1, 10, 'A'), (2, 20, 'A'), (3, 20, 'B'), (4, 99, 'another shop');
    insert into line values (1, 1, 'l1', 2), (2, 2, 'l1', 3), (3, 3, 'l2', 1), (4, 4, 'l1', 7);
    insert into tax values (1, 1, 0.19), (2, 1, 0.2), (2, 2, 0.05), (4, 1, 1);
    """,
    {
        "north/orders.jsonl": """
{"id": "A", "lines": [{"id": "l1", "qty": 2, "row": 1, "taxes": [{"rate": "0.19"}]}]}
""",
        "south/orders.jsonl": """
{"id": "A", "lines": [{"id": "l1", "qty": 3, "row": 2, "taxes": [{"rate": "0.20"}, {"rate": "0.05"}]}]}
{"id": "B", "lines": [{"id": "l2", "qty": 1, "row": 3, "taxes": []}]}
""",
    },
    """
tenants: [{name: north, id: 10, account: north}, {name: south, id: 20, account: south}]
source: {kind: files, folder: FOLDER}
resources:
  order: {table: orders, key: order_id, tenant: shop, read: orders.jsonl}
  line:
    table: line
    key: line_id
    nested: {in: order, at: lines}
    fields: {qty: integer}
  tax:
    table: tax
    key: [line, position]
    joined: ":"
    id_from: [../row, "#"]
    nested: {in: line, at: taxes}
    fields: {rate: decimal}
relations:
  - {child: line.parent, parent: order.id}
  - {child: tax.line, parent: line.id}
""",
    {
        "update line set parent = 1 where id = 3": ("refined_missing_at_source", "l2"),
        "update line set parent = null where id = 3": ("refined_missing_at_source", "l2"),
        "update tax set rate = 0.06 where position = 2": ("field_differences", "2:2.rate"),
        "delete from tax where position = 2": ("source_missing_in_refined", "2:2"),
    },
)

ALL_INSIDE_A_DOCUMENT = Shape(
    # A table of documents: key, tenant, time and values are paths in one JSON column.
    """
    create table document (pk serial primary key, doc jsonb not null);
    insert into document (doc) values
      ('{"id": "x1", "org": "n", "name": "Zoë", "amount": 12.340, "at": "2026-02-01T10:00:00+01:00", "gone": false}'),
      ('{"id": "x2", "org": "n", "name": "", "amount": 9007199254740993.01, "at": "2026-02-01T10:00:00Z"}'),
      ('{"id": "x1", "org": "s", "name": "100% \\"q\\"", "amount": null, "at": null}'),
      ('{"id": "x3", "org": "s", "name": "old", "amount": 1, "at": null, "gone": true}');
    """,
    {
        "n/things.jsonl": """
{"id": "x1", "name": "Zoë", "amount": 12.34, "at": "2026-02-01T09:00:00Z"}
{"id": "x2", "name": "", "amount": 9007199254740993.01, "at": "2026-02-01T10:00:00.000Z"}
""",
        "s/things.jsonl": """
{"id": "x1", "name": "100% \\"q\\"", "amount": null, "at": null}
""",
    },
    """
tenants: [{name: north, id: n, account: n}, {name: south, id: s, account: s}]
source: {kind: files, folder: FOLDER}
resources:
  thing:
    table: document
    key: doc.id
    tenant: doc.org
    read: things.jsonl
    updated: at
    updated_column: doc.at
    deleted: {doc.gone: ["true"]}
    fields: {doc.name: {from: name}, doc.amount: {from: amount, as: money}, doc.at: {from: at, as: instant}}
""",
    {
        "update document set doc = jsonb_set(doc, '{amount}', '9007199254740993.02') where pk = 2": (
            "field_differences",
            "x2.doc.amount",
        ),
        "update document set doc = doc - 'gone' where pk = 4": ("refined_missing_at_source", "x3"),
        "update document set doc = jsonb_set(doc, '{org}', '\"n\"') where pk = 3": ("source_missing_in_refined", "x1"),
    },
)

EMBEDDED_CHILDREN = Shape(
    # The raw table keeps invoices alone, their lines inside them; the lines have a table of their own.
    """
    create table inbox (id serial primary key, object_type text, source_id text, payload jsonb, status text,
                        received_at timestamptz, content_hash text);
    create table invoice (id bigint primary key, changed timestamptz);
    create table line (id bigint primary key, invoice bigint, qty integer, from_raw int);
    insert into inbox (object_type, source_id, payload, status, received_at, content_hash) values
      ('invoice', '1', '{"id": 1, "changed": "2026-01-01T00:00:00Z", "lines": [{"id": 11, "qty": 2}, {"id": 12, "qty": 1}]}',
       'processed', '2026-01-01T00:00:01Z', 'a'),
      ('invoice', '2', '{"id": 2, "changed": "2026-01-02T00:00:00Z", "lines": []}', 'processed', '2026-01-02T00:00:01Z', 'b');
    insert into invoice values (1, '2026-01-01T00:00:00Z'), (2, '2026-01-02T00:00:00Z');
    insert into line values (11, 1, 2, 1), (12, 1, 1, 1);
    """,
    {
        "invoices.jsonl": """
{"id": 1, "changed": "2026-01-01T00:00:00Z", "lines": [{"id": 11, "qty": 2}, {"id": 12, "qty": 1}]}
{"id": 2, "changed": "2026-01-02T00:00:00Z", "lines": []}
"""
    },
    """
source: {kind: files, folder: FOLDER}
raw: {table: inbox, columns: {via: none, error: none}}
resources:
  invoice: {table: invoice, key: id, read: invoices.jsonl, updated: changed, updated_column: changed, fields: {changed: instant}}
  line:
    table: line
    key: id
    built_from: from_raw
    nested: {in: invoice, at: lines, embedded: true}
    fields: {qty: integer}
relations: [{child: line.invoice, parent: invoice.id}]
""",
    {
        "delete from line where id = 12": ("source_missing_in_refined", "12"),
        "insert into line values (13, 1, 9, 1)": ("refined_missing_at_source", "13"),
        "update line set qty = 3 where id = 12": ("field_differences", "12.qty"),
        "delete from inbox where source_id = '1'": ("source_missing_in_raw", "1"),
    },
)

SHAPES = {name.lower(): value for name, value in globals().items() if isinstance(value, Shape)}
