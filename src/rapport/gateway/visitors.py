"""What kind of visitor an event comes from: machine or person, on which kind of device. No user agent is kept."""

import re
from collections.abc import Mapping
from typing import Any

from crawlerdetect import CrawlerDetect

MAX_AGENT_CHARS = 512
_TABLET = re.compile(r"iPad|Tablet|PlayBook|Silk/|Android(?!.*Mobi)")
APP_LIBRARIES = ("analytics-ios", "analytics-android", "analytics-swift", "analytics-kotlin", "analytics-react-native")
KINDS = {"ios": "mobile", "android": "mobile", "phone": "mobile", "mobile": "mobile", "tablet": "tablet"}


class Visitor:
    """Bots by the list of the library crawlerdetect, which follows the one that many shops' systems use."""

    def __init__(self) -> None:
        self._crawlers = CrawlerDetect()

    def is_bot(self, user_agent: str | None) -> bool:
        """Whether the user agent calls itself, or is known as, a machine. None says nothing either way."""
        return user_agent is not None and bool(self._crawlers.is_crawler(user_agent[:MAX_AGENT_CHARS]))

    def device_kind(self, user_agent: str | None, context: Mapping[str, Any]) -> str:
        """desktop, mobile, tablet or unknown: by what an app says of its device, else as browsers say it themselves."""
        device = context.get("device")
        said = device.get("type") if isinstance(device, dict) else None
        if isinstance(said, str) and said.lower() in KINDS:
            return KINDS[said.lower()]
        if not user_agent or not user_agent.startswith("Mozilla/"):
            return "unknown"
        agent = user_agent[:MAX_AGENT_CHARS]
        if _TABLET.search(agent):
            return "tablet"
        return "mobile" if "Mobi" in agent else "desktop"

    def channel(self, kind: str, context: Mapping[str, Any]) -> str:
        """web, app or server: by the library that made the event."""
        library = context.get("library")
        name = library.get("name") if isinstance(library, dict) else None
        if kind == "screen" or (isinstance(name, str) and name in APP_LIBRARIES):
            return "app"
        return "web" if name in (None, "analytics.js") or "page" in context else "server"
