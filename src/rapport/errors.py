"""Errors say whether a retry can help; the Airflow shell maps them to retry or final failure."""


class RapportError(Exception):
    """Base of every error Rapport raises on purpose."""


class TransientError(RapportError):
    """The same call may succeed later. `retry_after` is in seconds when the other side named a wait."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PermanentError(RapportError):
    """The same call will fail again until a person changes something; the message says what."""


class AmbiguousError(RapportError):
    """It is not known whether the other side acted; repeating could do it twice."""


class DataError(PermanentError):
    """Input or derived data breaks a stated rule."""


class GateFailed(DataError):
    """A quality gate said no; what follows it must not run."""
