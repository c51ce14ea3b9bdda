"""dbt, run in this process: raw tables to profiles and edges, then marts, segments and the audience."""

from rapport.transform.membership import MembershipReport, record_membership
from rapport.transform.phases import generate_docs, prepare, publish
from rapport.transform.report import BuildReport, NodeResult

__all__ = [
    "BuildReport",
    "MembershipReport",
    "NodeResult",
    "generate_docs",
    "prepare",
    "publish",
    "record_membership",
]
