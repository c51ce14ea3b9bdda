-- name: why
-- Grain: one row an occurrence in which something was decided about the person, newest first. Analysts may use it as it
-- is: give the parameters as texts, one of them null.
select
    decision.campaign_id,
    decision.occurrence_key,
    decision.customer_id,
    decision.outcome,
    decision.reason,
    decision.decided_at,
    send.state as send_state,
    send.reason as send_reason,
    send.variant,
    send.due_at,
    send.accepted_at,
    send.engagement
from ops.decision as decision
left join ops.send as send
    on
        decision.campaign_id = send.campaign_id
        and decision.occurrence_key = send.occurrence_key
        and decision.customer_id = send.customer_id
where decision.recipient_key = %(recipient_key)s::text or decision.customer_id = %(customer_id)s::text
order by decision.decided_at desc, decision.campaign_id asc, decision.occurrence_key desc
limit %(most)s;

-- name: waterfall
select
    occurrence_key,
    planned_at,
    waterfall
from ops.occurrence
where
    campaign_id = %(campaign_id)s
    and (%(occurrence_key)s::text is null or occurrence_key = %(occurrence_key)s::text)
order by planned_at desc, occurrence_key desc
limit 1;

-- name: became
-- What has become of the sends of an occurrence by now.
select
    state,
    count(*) as sends
from ops.send
where campaign_id = %(campaign_id)s and occurrence_key = %(occurrence_key)s
group by state
order by sends desc, state;
