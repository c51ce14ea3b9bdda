"""Daily care: remove what is kept for a time only, and find what a person should look at."""

from rapport.maintenance.checks import check_campaigns, check_delivery, find_problems
from rapport.maintenance.cleaning import clean_up
from rapport.maintenance.suppressions import sync_suppressions

__all__ = ["check_campaigns", "check_delivery", "clean_up", "find_problems", "sync_suppressions"]
