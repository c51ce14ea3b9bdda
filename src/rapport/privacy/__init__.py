"""What a person may ask of the shop: to see what is kept of them, and to be forgotten."""

from rapport.privacy.erase import Erasure, erase
from rapport.privacy.export import Export, export

__all__ = ["Erasure", "Export", "erase", "export"]
