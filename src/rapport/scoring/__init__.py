"""Scores of customers, products and days: features in, one table out, each beside the naive rule it must beat."""
