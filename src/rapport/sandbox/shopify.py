"""The store's server: Shopify's Admin GraphQL over the simulated world."""

from __future__ import annotations

import hmac
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    GraphQLError,
    OperationDefinitionNode,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from rapport.clock import Clock
from rapport.sandbox.faults import Faults, fault_route, faulty, json
from rapport.sandbox.limits import LeakyBucket
from rapport.sandbox.shopify_bulk import BulkOperations
from rapport.sandbox.shopify_cost import actual_cost, requested_cost
from rapport.sandbox.shopify_schema import Context, resolve, schema
from rapport.sandbox.store import open_world

TOKEN = "shpat_sandbox"  # noqa: S105 - opens nothing but the sandbox
PATH = "/admin/api/2026-10/graphql.json"
DEAREST_QUERY = 1_000
_NOT_ALLOWED = "[API] Invalid API key or access token (unrecognized login or wrong password)"


def app(
    world_dir: Path,
    clock: Clock,
    faults: Faults | None = None,
    *,
    token: str = TOKEN,
    bucket: LeakyBucket | None = None,
) -> Starlette:
    """The server over `<world_dir>/world.db`. `bucket` holds the cost points; by default a standard plan's."""
    faults = faults or Faults()
    store = _Store(world_dir, clock, faults, bucket or LeakyBucket(2_000, 100))

    async def graphql(request: Request) -> Response:
        given = request.headers.get("X-Shopify-Access-Token", "")
        if not hmac.compare_digest(given.encode(), token.encode()) or faults.take("expired_token"):
            return json({"errors": _NOT_ALLOWED}, 401)
        try:
            body = orjson.loads(await request.body())
            query, variables = body["query"], body.get("variables") or {}
            operation = body.get("operationName")
        except (ValueError, KeyError, TypeError, AttributeError):
            return json({"errors": "Required parameter missing or invalid"}, 400)
        answer = await run_in_threadpool(store.answer, str(query), dict(variables), operation, str(request.base_url))
        return json(answer)

    async def bulk_file(request: Request) -> Response:
        path = store.bulk.path(int(request.path_params["number"]))
        if not path.exists():
            return json({"errors": "Not Found"}, 404)
        if faults.take("truncated"):
            whole = path.read_bytes()
            return Response(whole[: len(whole) // 2], media_type="application/jsonl")
        return FileResponse(path, media_type="application/jsonl")

    return Starlette(
        routes=[
            Route(PATH, faulty(faults, graphql), methods=["POST"]),
            Route("/_sandbox/bulk/{number:int}.jsonl", bulk_file),
            fault_route(faults),
        ]
    )


class _Store:
    def __init__(self, world_dir: Path, clock: Clock, faults: Faults, bucket: LeakyBucket) -> None:
        self._con = open_world(world_dir)
        self._lock = threading.Lock()
        self._clock = clock
        self._faults = faults
        self._bucket = bucket
        self.bulk = BulkOperations(world_dir, self._now, faults)

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def answer(self, query: str, variables: dict[str, Any], operation: str | None, base_url: str) -> dict[str, Any]:
        try:
            document, errors = _checked(query)
        except GraphQLError as error:
            return {"errors": [error.formatted]}
        if errors:
            return {"errors": list(errors)}
        chosen = get_operation_ast(document, operation)
        if chosen is None:
            return {"errors": [{"message": "An operation name is required"}]}
        return self._run(document, chosen, variables, operation, base_url)

    def _run(
        self, document: DocumentNode, chosen: OperationDefinitionNode, variables: dict[str, Any],
        operation: str | None, base_url: str,
    ) -> dict[str, Any]:  # fmt: skip
        requested = requested_cost(schema(), document, chosen, variables)
        if requested > DEAREST_QUERY:
            message = f"Query cost is {requested}, which exceeds the single query max cost limit ({DEAREST_QUERY})."
            return {"errors": [_coded(message, "MAX_COST_EXCEEDED")]}
        if not self._bucket.take(requested):
            return {"errors": [_coded("Throttled", "THROTTLED")], **self._cost(requested, None)}
        context = Context(
            self._con,
            self._now(),
            self._faults,
            start_bulk=lambda text, grouped: self.bulk.start(text, grouped, base_url),
            bulk_operations=self.bulk.operations,
        )
        with self._lock:
            result = execute_sync(
                schema(), document, None, context, variables, operation_name=operation, field_resolver=resolve
            )
        mutated = chosen.operation.value == "mutation"
        actual = requested if mutated else min(requested, actual_cost(result.data))
        self._bucket.give_back(requested - actual)
        answer: dict[str, Any] = {"data": result.data, **self._cost(requested, actual)}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        return answer

    def _cost(self, requested: int, actual: int | None) -> dict[str, Any]:
        status = {
            "maximumAvailable": float(self._bucket.maximum),
            "currentlyAvailable": int(self._bucket.available()),
            "restoreRate": float(self._bucket.restore),
        }
        cost = {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}
        return {"extensions": {"cost": cost}}


@lru_cache(maxsize=64)
def _checked(query: str) -> tuple[DocumentNode, tuple[dict[str, Any], ...]]:
    document = parse(query)
    return document, tuple(dict(error.formatted) for error in validate(schema(), document))


def _coded(message: str, code: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code}}
