"""dbt, run in this process: raw tables to profiles and edges, then marts, segments and the audience."""

from rapport.transform.phases import build, generate_docs, prepare
from rapport.transform.publish import NEXT, PublishReport, publish, rollback
from rapport.transform.report import BuildReport, NodeResult

__all__ = [
    "NEXT",
    "BuildReport",
    "NodeResult",
    "PublishReport",
    "build",
    "generate_docs",
    "prepare",
    "publish",
    "rollback",
]
