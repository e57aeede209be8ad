"""Load for a Yummy server: ``python -m benchmarks``."""
