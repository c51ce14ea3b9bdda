"""Conditions over the audience, and the gate that lets it be read."""
