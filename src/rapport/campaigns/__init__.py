"""Campaigns as folders of text, from how one is written to what it brought; docs/architecture.md names the parts."""
