"""Which profiles are one person, under a customer id that survives rebuilds."""

from rapport.identity.resolve import IdentityReport, resolve

__all__ = ["IdentityReport", "resolve"]
