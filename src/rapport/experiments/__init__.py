"""Comparing groups drawn by lot: differences with intervals, looking more than once, and how many people that takes.

Pure functions over a group's few sums, so that a million people are added up where they are stored and judged here.
"""
