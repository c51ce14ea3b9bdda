"""Customer relationship management as code for online shops."""

__version__ = "0.1.0"
