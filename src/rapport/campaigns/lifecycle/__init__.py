"""Flows: steps that follow something that happened to one person."""
