"""Tests of the runner: whole runs on the ledger, with notebooks that a test writes."""
