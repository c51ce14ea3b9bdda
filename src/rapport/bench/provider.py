"""The simulated mail provider of the delivery benchmark: prints its address and key, serves until it is killed."""

import asyncio
import sys
from pathlib import Path

from rapport.clock import SystemClock
from rapport.sandbox import mail
from rapport.sandbox.servers import Servers


async def serve(directory: Path) -> None:
    ledger = mail.Ledger(directory)
    key = ledger.api_key
    ledger.close()
    servers = Servers("127.0.0.1")
    options = mail.MailOptions(requests_per_window=1_000_000)
    port = servers.add("sendgrid", mail.app(directory, SystemClock(), options=options), 0)
    await servers.start()
    print(f"http://127.0.0.1:{port} {key}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
