"""What can become of a person in an occurrence: planned, or the first reason why not."""

# In the order of the waterfall. `exited` is for flows: they left before a step came.
REFUSALS = (
    "no_address",
    "excluded",
    "suppressed",
    "no_consent",
    "duplicate_address",
    "no_window",
    "missing_field",
    "capped",
    "displaced",
    "global_holdout",
    "holdout",
    "over_limit",
    "exited",
)
OUTCOMES = (*REFUSALS, "planned")
