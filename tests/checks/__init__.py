"""Tests of checks: each passes on clean data, fails on its planted fault, and is inconclusive on nothing."""
