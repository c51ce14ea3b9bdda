"""Connectors: one folder a vendor, each a dlt source with declared columns over a small HTTP client."""
