"""Gates: a suite is run in Postgres, its verdict recorded in `ops.gate_run`, its pages added to Data Docs."""

from rapport.quality.gate import Verdict, require_gate, run_suite

__all__ = ["Verdict", "require_gate", "run_suite"]
