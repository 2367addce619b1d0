"""Tests of the evidence: chain, manifest, signatures, and what `dsaudit verify` refuses."""
