"""One process's memory of how long a provider asked to be left alone, so that mails already claimed are not thrown at
it until the claim obeys the same wait."""

import asyncio
import time

from rapport.delivery.providers import Outcome

SHORT_SECONDS = 2.0


class Hold:
    def __init__(self) -> None:
        self._because = ""
        self._until = float("-inf")
        self._halted: Outcome | None = None

    def obey(self, outcome: Outcome) -> None:
        """A wait is only ever made longer; a halt stays until the process ends."""
        until = time.monotonic() + outcome.wait_seconds
        if outcome.halt:
            self._halted = outcome
        elif outcome.wait_seconds and until > self._until:
            self._until, self._because = until, outcome.detail.removeprefix("not sent: ")

    async def over(self) -> Outcome | None:
        """None when the provider may be asked, after a short wait was waited out: for that, a claim is not worth giving
        back. Otherwise what comes of a mail without asking."""
        while self._halted is None:
            left = self._until - time.monotonic()
            if left <= 0:
                return None
            if left > SHORT_SECONDS:
                return Outcome("not_sent", f"not sent: {self._because}", wait_seconds=left)
            await asyncio.sleep(left)
        return self._halted
