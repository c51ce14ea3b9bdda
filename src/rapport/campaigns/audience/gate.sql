-- name: latest_gate
select
    passed,
    ran_at,
    failures
from ops.gate_run
where suite = %(suite)s
order by ran_at desc, gate_run_id desc
limit 1;

-- name: audience_as_of
select max(as_of) as as_of
from activation.campaign_audience;

-- name: triggers_as_of
select max(as_of) as as_of
from activation.campaign_triggers;
