"""Many forged, doubled and shuffled requests against the real gateway: `python -m tests.fuzz`."""
