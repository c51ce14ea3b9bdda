"""Which profiles are one person, under a customer id that survives rebuilds."""

from rapport.identity.resolve import IdentityReport, resolve
from rapport.identity.reviews import Review, Story, decide, open_reviews, show, undo

__all__ = ["IdentityReport", "Review", "Story", "decide", "open_reviews", "resolve", "show", "undo"]
