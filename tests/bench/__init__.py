"""Benchmarks: `make bench`, or `python -m tests.bench --help`. Nothing in here is collected by pytest."""
