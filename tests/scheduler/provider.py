"""The simulated mail provider of the proof: slow enough to be caught in the middle, its events quick and doubled."""

import asyncio
import sys
from pathlib import Path

from rapport.clock import SystemClock
from rapport.sandbox import mail
from rapport.sandbox.servers import Servers


async def serve(directory: Path, gateway: str) -> None:
    ledger = mail.Ledger(directory)
    key = ledger.api_key
    ledger.close()
    options = mail.MailOptions(
        webhook_url=f"{gateway}/sendgrid/events",
        requests_per_window=15,
        event_lag_seconds=0.5,
        late_share=0.0,
        doubled_share=0.3,
    )
    servers = Servers("127.0.0.1")
    port = servers.add("sendgrid", mail.app(directory, SystemClock(), options=options), 0)
    await servers.start()
    print(f"http://127.0.0.1:{port} {key} {mail.public_key_base64(directory)}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))
