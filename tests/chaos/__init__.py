"""The proof of delivery under faults; see docs/chaos.md. Run it as `python -m tests.chaos`."""
