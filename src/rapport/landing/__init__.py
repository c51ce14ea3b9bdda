"""Runs a source into `raw_<source>`: cursor, quarantine and load report."""

from rapport.landing.ledger import BadRecord, fail_load, finish_load, quarantine, start_load

__all__ = ["BadRecord", "fail_load", "finish_load", "quarantine", "start_load"]
