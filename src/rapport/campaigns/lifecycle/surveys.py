"""The surveys that a mail can ask for, and what answers they take."""

from collections.abc import Mapping
from typing import Literal

Survey = Literal["nps", "csat"]

# Net promoter score: would you recommend us? Customer satisfaction: did we help you?
SURVEYS: Mapping[str, range] = {"nps": range(11), "csat": range(1, 6)}
MAX_COMMENT_CHARS = 2000


def purpose(survey: str) -> str:
    """What a link is signed for: one to a survey opens no other page, and no other survey."""
    return f"survey_{survey}"
