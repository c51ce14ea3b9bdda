"""The one way connectors speak HTTP: explicit timeouts, bounded retries, and our errors instead of httpx's."""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx

from rapport.errors import PermanentError, TransientError

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
TRIES = 6
FIRST_WAIT = 0.5
LONGEST_WAIT = 75.0
Body = TypeVar("Body", dict[str, Any], list[Any])


class Refused(PermanentError):
    """The vendor answered 4xx. `status` is its HTTP status, `code` its own word for the reason, if any."""

    def __init__(self, message: str, status: int, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass
class Api:
    """One vendor's API. `settings` names the variables a person must look at when it refuses us."""

    vendor: str
    base_url: str
    settings: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)
    wait: Callable[[float], None] = time.sleep
    tries: int = TRIES

    def __post_init__(self) -> None:
        if not self.base_url.startswith(("http://", "https://")):
            raise PermanentError(f"{self.vendor}: the address must start with https://; check {self.settings}")
        self._client = httpx.Client(
            base_url=self.base_url.rstrip("/"), headers=dict(self.headers), auth=self.auth, timeout=TIMEOUT
        )

    def close(self) -> None:
        self._client.close()

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """JSON object of a GET. Raises TransientError after bounded retries, Refused on 4xx."""
        return self._call("GET", path, dict, params=params, headers=headers)

    def get_list(self, path: str, params: Mapping[str, Any] | None = None) -> list[Any]:
        """JSON array of a GET. Raises as `get`."""
        return self._call("GET", path, list, params=params)

    def post(self, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """JSON object of a POST that only reads, so that repeating it is harmless. Raises as `get`."""
        return self._call("POST", path, dict, json=body, headers=headers)

    @contextmanager
    def lines(self, url: str) -> Iterator[Iterator[str]]:
        """Stream the lines of a file the vendor made for us; our credentials do not go to its address."""
        what = f"{self.vendor}: GET of a result file"
        try:
            with httpx.stream("GET", url, timeout=TIMEOUT, follow_redirects=True) as response:
                if response.status_code >= 400:
                    raise TransientError(f"{what} answered {response.status_code}")
                yield response.iter_lines()
        except httpx.HTTPError as error:
            raise TransientError(f"{what} broke off: {type(error).__name__}") from error

    def _call(self, method: str, path: str, expected: type[Body], **kwargs: Any) -> Body:
        what = f"{self.vendor}: {method} {path}"
        kwargs = {name: value for name, value in kwargs.items() if value is not None}
        for attempt in range(1, self.tries + 1):
            try:
                return self._once(what, method, path, expected, kwargs)
            except TransientError as error:
                seconds = FIRST_WAIT * 2 ** (attempt - 1) if error.retry_after is None else error.retry_after
                if attempt == self.tries or seconds > LONGEST_WAIT:
                    raise TransientError(
                        f"{error} (gave up after {attempt} tries; the next run goes on from here)", error.retry_after
                    ) from error
                self.wait(seconds)
        raise AssertionError("unreachable: the last try returns or raises")

    def _once(self, what: str, method: str, path: str, expected: type[Body], kwargs: dict[str, Any]) -> Body:
        try:
            response = self._client.request(method, path, **kwargs)
        except httpx.TimeoutException as error:
            raise TransientError(f"{what} did not answer in time") from error
        except httpx.HTTPError as error:
            raise TransientError(f"{what} failed on the way: {type(error).__name__}") from error
        if response.status_code == 429 or response.status_code >= 500:
            raise TransientError(f"{what} answered {response.status_code}", retry_after(response))
        if response.status_code >= 300:
            raise self._refused(what, response)
        try:
            answer = response.json()
        except ValueError as error:
            raise TransientError(f"{what} answered JSON that breaks off or is none") from error
        if not isinstance(answer, expected):
            raise TransientError(f"{what} answered JSON that is not {'a list' if expected is list else 'an object'}")
        return answer

    def _refused(self, what: str, response: httpx.Response) -> Refused:
        code = _error_code(response)
        said = f"{what} answered {response.status_code}" + (f" ({code})" if code else "")
        if response.status_code in (401, 403):
            said += f": check {self.settings}, and that the key may read this (scopes: the connector's README)"
        elif response.status_code == 404 or response.status_code < 400:
            said += f": check the address in {self.settings}"
        return Refused(said, response.status_code, code)


def retry_after(response: httpx.Response) -> float | None:
    """Seconds the vendor asked us to wait, from `Retry-After` as a number or as a date, else from `X-RateLimit-Reset`
    as the second of an epoch; None if it did not."""
    value = response.headers.get("retry-after", "").strip()
    if not value:
        reset = response.headers.get("x-ratelimit-reset", "")
        return max(0.0, int(reset) - time.time()) if reset.isdigit() and response.status_code == 429 else None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        at = email.utils.parsedate_to_datetime(value)
        sent = response.headers.get("date")
        since = email.utils.parsedate_to_datetime(sent) if sent else datetime.now(UTC)
        return max(0.0, float((at - since).total_seconds()))
    except (TypeError, ValueError):
        return None


def _error_code(response: httpx.Response) -> str:
    """The vendor's short error word. Long texts are left out: they may quote a person's data."""
    try:
        answer = json.loads(response.content)
    except ValueError:
        return ""
    code = answer.get("error") if isinstance(answer, dict) else None
    return code if isinstance(code, str) and len(code) <= 60 else ""
