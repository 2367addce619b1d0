"""Checks that are no query: functions of the audit that return the rows that should not exist and what was examined.

A check's docstring has the headers of an SQL check; its first line is the title. Names that start with ``_`` help.
"""
