"""Finds what of a check could be wrong without anybody noticing: `python -m tests.faults.mutating`.

A mutant is a check with one thing changed, as somebody might get it wrong: a condition dropped, a comparison flipped, a
join turned round. It is killed where it says something else than the check does, on clean data or on a planted fault.
One that lives shows a condition that no fault exercises, one that no check needs, or a change that means the same.
"""
