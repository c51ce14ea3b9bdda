"""Bulk operations: a query run over everything in the background, its records one JSON line each."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from graphql import FieldNode, GraphQLError, OperationDefinitionNode, OperationType, parse, validate

from rapport.sandbox.faults import Faults
from rapport.sandbox.shopify_project import Projection
from rapport.sandbox.shopify_schema import Context, schema
from rapport.sandbox.store import open_world
from rapport.sandbox.times import iso

log = logging.getLogger(__name__)
Doc = dict[str, Any]
AT_ONCE = 5
_ROOTS = {"customers", "orders", "products"}


class BulkOperations:
    """The operations of one server, by gid, in the order they were started. Files lie under `<world>/bulk`."""

    def __init__(self, world_dir: Path, now: Callable[[], float], faults: Faults) -> None:
        self._world_dir = world_dir
        self._now = now
        self._faults = faults
        self._numbers = itertools.count(4_200_000_001)
        self._threads: list[threading.Thread] = []
        self.operations: dict[str, Doc] = {}

    def start(self, query: str, grouped: bool, base_url: str) -> Doc:
        """Begin one; answers the mutation's payload, with user errors when the query cannot be run in bulk."""
        if sum(thread.is_alive() for thread in self._threads) >= AT_ONCE:
            return _refused(f"{AT_ONCE} bulk query operations are already in progress")
        try:
            problem = _problem(query)
        except GraphQLError as error:
            problem = error.message
        if problem is not None:
            return _refused(problem)
        number = next(self._numbers)
        operation = {
            "id": f"gid://shopify/BulkOperation/{number}",
            "status": "CREATED",
            "type": "QUERY",
            "query": query,
            "createdAt": iso(self._now()),
            "completedAt": None,
            "errorCode": None,
            "objectCount": 0,
            "rootObjectCount": 0,
            "fileSize": None,
            "partialDataUrl": None,
            "url": None,
        }
        self.operations[str(operation["id"])] = operation
        url = f"{base_url.rstrip('/')}/_sandbox/bulk/{number}.jsonl"
        thread = threading.Thread(target=self._run, args=(operation, grouped, self.path(number), url), daemon=True)
        self._threads.append(thread)
        thread.start()
        return {"bulkOperation": dict(operation), "userErrors": []}

    def path(self, number: int) -> Path:
        """Where the file of an operation lies once it is complete."""
        return self._world_dir / "bulk" / f"{number}.jsonl"

    def _run(self, operation: Doc, grouped: bool, path: Path, url: str) -> None:
        operation["status"] = "RUNNING"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            with part.open("wb") as file:
                self._write(operation, grouped, file)
            part.replace(path)
        except Exception:
            log.exception("bulk operation failed")
            operation |= {"errorCode": "INTERNAL_SERVER_ERROR", "status": "FAILED"}
            return
        size = path.stat().st_size
        operation |= {"fileSize": size, "url": url if size else None, "completedAt": iso(self._now())}
        # Last, for whoever polls sees everything else once it stands.
        operation["status"] = "COMPLETED"

    def _write(self, operation: Doc, grouped: bool, file: BinaryIO) -> None:
        con = open_world(self._world_dir)
        try:
            con.execute("begin")
            later: list[Doc] = []
            for node in _nodes(Context(con, self._now(), self._faults, bulk=True), operation["query"]):
                children = list(_take_children(node))
                file.write(orjson.dumps(node) + b"\n")
                operation["rootObjectCount"] += 1
                operation["objectCount"] += 1 + len(children)
                if grouped:
                    file.writelines(orjson.dumps(child) + b"\n" for child in children)
                else:
                    later += children
            file.writelines(orjson.dumps(child) + b"\n" for child in later)
        finally:
            con.close()


def _nodes(context: Context, query: str) -> Iterator[Doc]:
    document = parse(query)
    (operation,) = (part for part in document.definitions if isinstance(part, OperationDefinitionNode))
    projection = Projection(schema(), document, operation.selection_set, context)
    while True:
        yield from _members(projection.page())
        if context.after is None:
            return


def _take_children(node: Doc) -> Iterator[Doc]:
    for name in [key for key, value in node.items() if _is_listing(value)]:
        for child in _members(node.pop(name)):
            yield child | {"__parentId": node.get("id")}


def _members(listing: Doc) -> list[Doc]:
    return list(listing["nodes"]) if "nodes" in listing else [edge["node"] for edge in listing["edges"]]


def _is_listing(value: object) -> bool:
    return isinstance(value, dict) and bool(value) and value.keys() <= {"edges", "nodes", "pageInfo"}


def _refused(message: str) -> Doc:
    return {"bulkOperation": None, "userErrors": [{"field": ["query"], "message": message}]}


def _problem(query: str) -> str | None:
    document = parse(query)
    errors = validate(schema(), document)
    if errors:
        return errors[0].message
    operations = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation is not OperationType.QUERY:
        return "a bulk query needs exactly one query operation"
    roots = operations[0].selection_set.selections
    if len(roots) != 1 or not isinstance(roots[0], FieldNode) or roots[0].name.value not in _ROOTS:
        return "a bulk query needs exactly one connection at its top"
    return None
