"""Workloads, benchmarks per layer, and the table against the peers; read README.md."""
