"""Benchmarks: how long an audit takes beside what people do instead, in the same run on the same sample."""
