-- name: add_suppressions
-- A null topic stands for the topic of the send.
insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)
select
    send.recipient_key,
    coalesce(given.topic, send.topic),
    given.reason,
    inbox.provider,
    given.event_id,
    given.occurred_at
from unnest(
    %(send_id)s::uuid[], %(topic)s::text[], %(reason)s::text[], %(event_id)s::text[], %(occurred_at)s::timestamptz[]
) as given (send_id, topic, reason, event_id, occurred_at)
inner join ops.send as send on given.send_id = send.send_id
inner join ops.webhook_inbox as inbox on given.event_id = inbox.event_id
on conflict (recipient_key, topic, reason, evidence_id) do nothing;

-- name: of_strangers
select
    inbox.event_id,
    inbox.raw ->> 'email' as address
from ops.webhook_inbox as inbox
where
    inbox.event_id = any(%(event_ids)s)
    and not exists (select 1 from ops.send where send.send_id = inbox.send_id);

-- name: suppress_stranger
insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)
select
    %(recipient_key)s,
    '*',
    %(reason)s,
    inbox.provider,
    inbox.event_id,
    %(occurred_at)s
from ops.webhook_inbox as inbox
where inbox.event_id = %(event_id)s
on conflict (recipient_key, topic, reason, evidence_id) do nothing;

-- name: add_feedback
insert into ops.feedback (event_id, send_id, campaign_id, occurrence_key, recipient_key, kind, occurred_at)
select
    given.event_id,
    send.send_id,
    send.campaign_id,
    send.occurrence_key,
    send.recipient_key,
    given.kind,
    given.occurred_at
from unnest(
    %(event_id)s::text[], %(send_id)s::uuid[], %(kind)s::text[], %(occurred_at)s::timestamptz[]
) as given (event_id, send_id, kind, occurred_at)
inner join ops.send as send on given.send_id = send.send_id
order by given.event_id
on conflict (event_id) do nothing
returning recipient_key, kind;

-- name: suppress_soft_bounces
-- Every soft bounce that makes the number full is a reason of its own: counted from all of them, whichever came first.
insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)
select
    last.recipient_key,
    '*',
    'soft_bounce',
    inbox.provider,
    last.event_id,
    last.occurred_at
from ops.feedback as last
inner join ops.webhook_inbox as inbox on last.event_id = inbox.event_id
cross join lateral (
    select count(distinct earlier.send_id) as sends
    from ops.feedback as earlier
    where
        earlier.recipient_key = last.recipient_key
        and earlier.kind = 'soft_bounce'
        and earlier.occurred_at <= last.occurred_at
        and earlier.occurred_at > last.occurred_at - make_interval(days => %(days)s)
) as found
where
    last.recipient_key = any(%(recipient_keys)s)
    and last.kind = 'soft_bounce'
    and found.sends >= %(least)s
on conflict (recipient_key, topic, reason, evidence_id) do nothing;
