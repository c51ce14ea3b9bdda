"""What the demo asks of Airflow to see one whole round of ingests and no half one."""

from collections.abc import Callable

import httpx
import pytest

from rapport.demo.airflow_api import AirflowApi
from rapport.errors import PermanentError

RUNS = "/api/v2/dags/ingest_web/dagRuns"
QUEUED = "/api/v2/dags/build_customers/assets/queuedEvents"


def api(answer: Callable[[httpx.Request], httpx.Response]) -> AirflowApi:
    def signed_in(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "t"})
        if request.method == "GET" and request.url.path.rpartition("/")[0] == "/api/v2/dags":
            return httpx.Response(200, json={"dag_id": "any"})
        return answer(request)

    made = AirflowApi("http://airflow", "admin", "pw")
    made._client = httpx.Client(base_url="http://airflow", transport=httpx.MockTransport(signed_in))
    return made


@pytest.mark.parametrize(("runs", "found"), [(["scheduled__1"], "scheduled__1"), ([], None)], ids=["one", "none"])
def test_a_round_that_airflow_began_by_itself_is_found(runs: list[str], found: str | None) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("GET", RUNS)
        assert request.url.params.get_list("state") == ["queued", "running"]
        return httpx.Response(200, json={"dag_runs": [{"dag_run_id": run} for run in runs]})

    assert api(answer).run_under_way("ingest_web") == found


@pytest.mark.parametrize("status", [204, 404], ids=["some-had-come", "none-had-come"])
def test_what_earlier_rounds_left_is_forgotten(status: int) -> None:
    asked: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path))
        return httpx.Response(status)

    api(answer).forget_assets("build_customers")
    assert asked == [("DELETE", QUEUED)]


def test_a_refusal_to_forget_is_no_success() -> None:
    with pytest.raises(PermanentError, match="403 to DELETE"):
        api(lambda request: httpx.Response(403, text="no")).forget_assets("build_customers")
