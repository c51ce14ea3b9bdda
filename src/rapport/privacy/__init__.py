"""Erasing what is kept of a person."""

from rapport.privacy.erase import Erasure, erase

__all__ = ["Erasure", "erase"]
