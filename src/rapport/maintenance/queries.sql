-- name: problems
select 'quarantined' as kind, count(*) as n, campaign_id as what
from ops.send
where state = 'quarantined'
group by campaign_id
union all
select 'unknown' as kind, count(*) as n, campaign_id as what
from ops.send
where state = 'unknown' and unknown_since < %(unknown_before)s
group by campaign_id
union all
select 'overdue' as kind, count(*) as n, campaign_id as what
from ops.send
where state = 'pending' and coalesce(not_before, due_at) < %(due_before)s
group by campaign_id
union all
select 'unread_events' as kind, count(*) as n, '' as what
from ops.webhook_inbox
where processed_at is null and received_at < %(received_before)s
having count(*) > 0
union all
select 'stale_gate' as kind, 0 as n, 'activation.campaign_audience' as what
where
    exists (select from ops.build)
    and not exists (
        select from ops.gate_run
        where suite = 'activation.campaign_audience' and passed and ran_at >= %(passed_after)s
    )
union all
select 'stopped' as kind, 0 as n, '' as what
from ops.control
where name = 'kill_switch' and value = 'true'
union all
select 'web_silent' as kind, 0 as n, to_char(max(received_at), 'YYYY-MM-DD HH24:MI') as what
from raw_web.events
having max(received_at) < %(web_silent_before)s
order by kind, what;

-- name: delete_quarantine
delete from landing.quarantine
where quarantined_at < %(before)s;

-- name: delete_web_quarantine
delete from raw_web.quarantine
where received_at < %(before)s;

-- name: delete_web_events
delete from raw_web.events
where received_at < %(before)s;

-- name: delete_build_nodes
delete from ops.build_node
using ops.build
where build_node.build_id = build.build_id and build.started_at < %(before)s;

-- name: delete_builds
delete from ops.build
where started_at < %(before)s;

-- name: delete_gate_runs
delete from ops.gate_run
where ran_at < %(before)s;
