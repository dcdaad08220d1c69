"""Benchmarks: what `mapleproof bench` measures, and against whom."""
