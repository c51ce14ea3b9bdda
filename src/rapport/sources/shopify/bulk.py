"""Shopify's bulk operation: the whole history in one file, for a first load that paging would take hours for."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from rapport.errors import PermanentError, TransientError
from rapport.sources.shopify.client import ShopifyClient
from rapport.sources.shopify.documents import document

PAGE_SIZE = 1_000
DOWNLOADS = 4
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
PATIENCE_SECONDS = 3 * 3600.0
FINAL = {"COMPLETED", "FAILED", "CANCELED", "EXPIRED"}


def bulk_listing(client: ShopifyClient, kind: str) -> Iterator[list[dict[str, Any]]]:
    """Pages of all `customers`, `orders` or `products`, shaped as `ShopifyClient.listing` shapes them.

    Raises PermanentError when the shop will not start one, TransientError when it fails, breaks off or takes too long.
    """
    operation = _finished(client, _start(client, kind), kind)
    if not operation.get("url"):
        # A bulk operation without a single object has no file.
        return
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        _download(client, operation["url"], kind, int(operation.get("objectCount") or 0), file)
        file.seek(0)
        yield from _pages(file, kind)


def _download(client: ShopifyClient, url: str, kind: str, expected: int, file: IO[str]) -> None:
    """The whole result file, or TransientError: a file that broke off is fetched again before a row of it is used."""
    for attempt in range(1, DOWNLOADS + 1):
        file.seek(0)
        file.truncate()
        try:
            with client.api.lines(url) as lines:
                count = _copy(lines, file)
            if count == expected:
                return
            raise TransientError(f"Shopify: the bulk file of {kind} breaks off after {count} of {expected} objects")
        except TransientError:
            if attempt == DOWNLOADS:
                raise
        client.wait(FIRST_PAUSE * attempt)


def _copy(lines: Iterator[str], file: IO[str]) -> int:
    """Copies whole objects and counts them; a line that is cut short ends the count."""
    count = 0
    for line in lines:
        if not line.strip():
            continue
        if not line.rstrip().endswith("}"):
            break
        file.write(line.rstrip("\n") + "\n")
        count += 1
    return count


def _start(client: ShopifyClient, kind: str) -> str:
    answer = client.run("startBulk", {"query": document(f"bulk{kind.capitalize()}")})
    started = answer.get("bulkOperationRunQuery") or {}
    errors = started.get("userErrors") or []
    operation = started.get("bulkOperation") or {}
    if errors or not operation.get("id"):
        raise PermanentError(f"Shopify: no bulk operation of {kind}: {str(errors[:1])[:200]}")
    return str(operation["id"])


def _finished(client: ShopifyClient, operation_id: str, kind: str) -> dict[str, Any]:
    pause, waited = FIRST_PAUSE, 0.0
    while waited < PATIENCE_SECONDS:
        operation = client.run("bulkStatus", {"id": operation_id}).get("node") or {}
        status = operation.get("status")
        if status == "COMPLETED":
            return operation
        if status in FINAL:
            code = operation.get("errorCode") or status
            if code == "ACCESS_DENIED":
                raise PermanentError(
                    f"Shopify: bulk operation of {kind} denied: check the scopes of RAPPORT_SHOPIFY_TOKEN"
                )
            raise TransientError(f"Shopify: bulk operation of {kind} ended as {code}")
        client.wait(pause)
        waited += pause
        pause = min(pause * 1.5, LONGEST_PAUSE)
    raise TransientError(f"Shopify: bulk operation of {kind} is not finished after {PATIENCE_SECONDS / 3600:.0f} hours")


def _pages(lines: IO[str], kind: str) -> Iterator[list[dict[str, Any]]]:
    page: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except ValueError as error:
            raise TransientError(f"Shopify: line {number} of the bulk file of {kind} is not JSON") from error
        parent = record.pop("__parentId", None)
        if parent is not None:
            _adopt(page, parent, record, kind)
            continue
        if len(page) >= PAGE_SIZE:
            yield page
            page = []
        if kind == "orders":
            record["lineItems"] = {"nodes": []}
        page.append(record)
    if page:
        yield page


def _adopt(page: list[dict[str, Any]], parent: str, line: dict[str, Any], kind: str) -> None:
    # Grouped files put children right behind their parent, so it is the last record read.
    if not page or page[-1].get("id") != parent:
        raise TransientError(f"Shopify: the bulk file of {kind} is not grouped by its parents")
    page[-1]["lineItems"]["nodes"].append(line)
