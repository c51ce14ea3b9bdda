"""Who starts whom: assets are emitted by gates only, and consumed where the flow says."""

from itertools import pairwise
from typing import Any

import pytest

GATES = {
    "raw_shopify": ("ingest_shopify", "gate"),
    "raw_zendesk": ("ingest_zendesk", "gate"),
    "raw_bluesky": ("ingest_bluesky", "gate"),
    "raw_web": ("ingest_web", "gate"),
    "raw_files": ("ingest_files", "gate"),
    "activation.campaign_audience": ("build_customers", "publish"),
}
ORDER = {
    "ingest_shopify": ["load", "gate"],
    "ingest_zendesk": ["load", "gate"],
    "ingest_bluesky": ["load", "gate"],
    "ingest_web": ["gate"],
    "ingest_files": ["load", "gate"],
    "build_customers": ["prepare", "identify", "build", "publish"],
}


def test_only_gates_emit_assets(dag_bag: Any) -> None:
    emitted = {
        outlet.name: (dag_id, task.task_id)
        for dag_id, dag in dag_bag.dags.items()
        for task in dag.tasks
        for outlet in task.outlets
    }
    assert emitted == GATES


@pytest.mark.parametrize(
    ("passed", "builds"),
    [
        (("shopify",), False),
        (("shopify", "zendesk"), False),
        (("shopify", "zendesk", "bluesky"), False),
        (("shopify", "zendesk", "bluesky", "web"), True),
        (("files",), True),
    ],
)
def test_one_build_serves_one_round_of_ingests(dag_bag: Any, passed: tuple[str, ...], builds: bool) -> None:
    from airflow.sdk import AssetAll

    names = {f"raw_{source}" for source in passed}

    def holds(node: Any) -> bool:
        if hasattr(node, "objects"):
            return (all if isinstance(node, AssetAll) else any)(holds(part) for part in node.objects)
        return node.name in names

    assert holds(dag_bag.dags["build_customers"].timetable.asset_condition) is builds


def test_steps_follow_each_other(dag_bag: Any) -> None:
    for dag_id, names in ORDER.items():
        dag = dag_bag.dags[dag_id]
        assert [task.task_id for task in dag.topological_sort()] == names
        for before, after in pairwise(names):
            assert dag.get_task(before).downstream_task_ids == {after}


def test_nothing_follows_a_gate_that_did_not_pass(dag_bag: Any) -> None:
    for dag in dag_bag.dags.values():
        for task in dag.tasks:
            assert task.trigger_rule == "all_success", f"{dag.dag_id}.{task.task_id}"


def test_sources_are_pulled_as_the_shop_says_and_mail_leaves_every_minute(dag_bag: Any) -> None:
    from rapport.settings import get_settings

    for source in ("shopify", "zendesk", "bluesky", "web", "files"):
        assert dag_bag.dags[f"ingest_{source}"].schedule == get_settings().ingest_schedule
    assert dag_bag.dags["deliver"].schedule == "* * * * *"


def test_dispatch_and_reconcile_do_not_wait_for_each_other(dag_bag: Any) -> None:
    deliver = dag_bag.dags["deliver"]
    assert {task.task_id for task in deliver.tasks} == {"dispatch", "reconcile"}
    assert all(not task.downstream_task_ids for task in deliver.tasks)


def test_scores_follow_a_publication_and_hold_no_mail_back(dag_bag: Any) -> None:
    from rapport_airflow.assets import CAMPAIGN_AUDIENCE

    assert dag_bag.dags["score_customers"].schedule == CAMPAIGN_AUDIENCE
