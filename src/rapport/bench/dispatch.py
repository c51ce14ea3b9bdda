"""The dispatching process of the delivery benchmark: sends what is due, prints its seconds and peak memory as JSON."""

import json
import resource
import sys
import time
from datetime import datetime

from rapport.clock import FixedClock
from rapport.delivery import run_dispatcher
from rapport.settings import Settings


def main() -> None:
    clock = FixedClock(datetime.fromisoformat(sys.argv[1]))
    began = time.perf_counter()
    run_dispatcher(Settings(), clock, until_idle=True)
    seconds = time.perf_counter() - began
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    print(json.dumps({"seconds": seconds, "memory_mb": memory}))


if __name__ == "__main__":
    main()
