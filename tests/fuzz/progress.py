"""How far a long part has come, on the terminal's error stream, so that figures stay alone on the other."""

import sys
from dataclasses import dataclass


@dataclass
class Progress:
    """Tells each tenth of `number`; nothing for short runs."""

    name: str
    number: int
    done: int = 0
    least: int = 10_000

    def add(self, count: int) -> None:
        before, self.done = self.done, self.done + count
        if self.number >= self.least and before * 10 // self.number < self.done * 10 // self.number:
            print(f"        {self.name:<10} {self.done:,} of {self.number:,}", file=sys.stderr, flush=True)
