-- name: pass_gate
insert into ops.gate_run (gate_run_id, suite, passed, checks_count, ran_at)
values (%(gate_run_id)s, 'activation.campaign_audience', true, 1, %(ran_at)s);

-- name: grant_reading
grant select on activation.campaign_audience to engine;

-- name: copy_audience
copy activation.campaign_audience (
    customer_id, email, first_name, language, locale, time_zone, segments, as_of
) from stdin;

-- name: copy_facts
copy ops.consent_fact (recipient_key, topic, granted, occurred_at, source, how, source_record_id) from stdin;

-- name: copy_stops
copy ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at) from stdin;

-- name: whose_turn
-- The planner that counts what others have planned: it holds the lock of all caps.
select activity.client_port
from pg_stat_activity as activity
inner join pg_locks as held on activity.pid = held.pid
where
    held.locktype = 'advisory'
    and held.objsubid = 1
    and held.granted
    and (held.classid::bigint << 32) | held.objid::bigint = hashtextextended('pressure', 0);

-- name: unsettled
select count(*) as sends
from ops.send
where state in ('planned', 'pending', 'sending', 'unknown');

-- name: segments
select
    segment,
    count(*) as people
from activation.campaign_audience as audience
cross join lateral unnest(audience.segments) as own (segment)
group by segment;

-- name: decisions
select
    campaign_id,
    outcome,
    count(*) as people
from ops.decision
group by campaign_id, outcome;

-- name: occurrences
-- Sends that were let go stand in the waterfall as displaced, no longer as planned.
select
    occurrence.campaign_id,
    occurrence.waterfall,
    (
        select count(*)
        from ops.send
        where
            send.campaign_id = occurrence.campaign_id
            and send.occurrence_key = occurrence.occurrence_key
            and send.state != 'cancelled'
    ) as sends
from ops.occurrence;

-- name: sends
select
    send_id,
    campaign_id
from ops.send;
