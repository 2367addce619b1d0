"""Clears the rows that are equal on both sides, out of the tables of keys and hashes alone."""

from __future__ import annotations

from dsaudit.reconcile.inputs import Task
from dsaudit.reconcile.streams import Connection

SEGMENT_BITS = 14  # of a key's hash: so many segments that their sums stay in a processor's cache


def set_apart(connection: Connection, task: Task, is_unique: bool) -> None:
    """Make ``apart`` of all keys but those with one row on each side and equal hashes, which are equal rows.

    Segments of keys whose rows add up to the same on both sides are left out at once, without a group for every key;
    that no key of theirs stands for several rows is seen on one side, where it is not known already (`is_unique`).
    """
    keyed = " and ".join(f"k{number} is not null" for number in range(len(task.keys)))
    segment = f"hash({task.names}) >> {64 - SEGMENT_BITS}"
    # The outer hash: two rows that have swapped their values must not add up to what they did.
    figures = f"{segment} as segment, count(*) as rows, count(h) as hashes, sum(hash(hash({task.names}, h))) as total"
    there, here = (f"(select {figures} from {side} where {keyed} group by all)" for side in ("there", "here"))
    uneven = f"select segment from {there} as t full join {here} as h using (segment)"
    uneven += " where (t.rows, t.hashes, t.total) is distinct from (h.rows, h.hashes, h.total) or t.hashes < t.rows"
    if not is_unique:
        uneven += f" union select {segment} from here where {keyed} group by {task.names} having count(*) > 1"
    connection.execute(f"create table uneven as {uneven}")
    chosen = f"where {keyed} and {segment} in (from uneven)"
    both = f"select {task.names}, h, 1::bigint as there, 0::bigint as here from there {chosen}"
    both += f" union all select {task.names}, h, 0, 1 from here {chosen}"
    sums = "sum(there)::bigint as there, sum(here)::bigint as here, bit_xor(h) as h, count(h) as hashes"
    connection.execute(
        f"create table apart as select {task.names}, there, here"
        f" from (select {task.names}, {sums} from ({both}) group by {task.names})"
        " where not (there = 1 and here = 1 and hashes = 2 and h = 0)"
    )
    connection.execute(f"create table wanted as select {task.names} from apart where there = 1 and here > 0")
