"""What the links of our mails hold: a random id, signed for one purpose."""

from uuid import UUID

from rapport.delivery.render import OPT_IN, PREFERENCES, UNSUBSCRIBE
from rapport.keys import sign_token, verify_token
from rapport.settings import Settings

__all__ = ["OPT_IN", "PREFERENCES", "UNSUBSCRIBE", "read", "write"]


def read(settings: Settings, purpose: str, token: str) -> UUID | None:
    """The id in a token that was signed for `purpose`, else None."""
    payload = verify_token(settings, purpose, token)
    try:
        return UUID(payload) if payload else None
    except ValueError:
        return None


def write(settings: Settings, purpose: str, about: UUID) -> str:
    return sign_token(settings, purpose, str(about))
