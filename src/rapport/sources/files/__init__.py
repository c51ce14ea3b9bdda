"""Exports of orders, customers, products and loyalty points, of six file formats, read by a mapping file.

Pure: reads and checks files, knows no database. `rapport.landing.files` lands what is read here. Only the
mapping and the report are imported with the package; what needs pyarrow is imported where it is used.
"""

from rapport.sources.files.mapping import Mapping
from rapport.sources.files.mapping_file import load_mapping, parse_mapping, shipped_mappings
from rapport.sources.files.relations import Relation
from rapport.sources.files.report import Detected, ImportReport

__all__ = [
    "Detected",
    "ImportReport",
    "Mapping",
    "Relation",
    "load_mapping",
    "parse_mapping",
    "shipped_mappings",
]
