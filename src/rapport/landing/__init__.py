"""Runs a source into `raw_<source>`: cursor, quarantine and load report."""

from rapport.landing.ledger import BadRecord, fail_load, finish_load, quarantine, start_load
from rapport.landing.load import load_source, prepare_raw
from rapport.landing.report import LoadReport, TableReport

__all__ = [
    "BadRecord",
    "LoadReport",
    "TableReport",
    "fail_load",
    "finish_load",
    "load_source",
    "prepare_raw",
    "quarantine",
    "start_load",
]
