-- name: lock_confirmations
-- Of two planners at once the second finds nothing left to plan.
select pg_advisory_xact_lock(hashtextextended('confirmations', 0));

-- name: open_requests
-- Requests that are neither confirmed nor over and were never planned. An occurrence is one request.
select
    request.opt_in_id,
    request.recipient_key,
    request.topic,
    request.language,
    request.expires_at,
    coalesce(recipient.address, request.address) as address,
    coalesce(mailbox.family, 'rest') as mailbox,
    exists (
        select 1
        from ops.adoption as adoption
        where adoption.adopted_at >= request.asked_at
    ) as may_have_left
from ops.opt_in as request
left join ops.recipient as recipient on request.recipient_key = recipient.recipient_key
left join ops.mailbox_domain as mailbox
    on split_part(coalesce(recipient.address, request.address), '@', -1) = mailbox.domain
where
    request.expires_at > %(now)s
    and not exists (
        select 1
        from ops.opt_in_confirmation as confirmation
        where confirmation.opt_in_id = request.opt_in_id
    )
    and not exists (
        select 1
        from ops.occurrence as planned
        where planned.campaign_id = %(campaign_id)s and planned.occurrence_key = request.opt_in_id::text
    )
order by request.asked_at, request.opt_in_id;

-- name: topic_titles
select
    topic,
    language,
    title
from ops.topic_title;

-- name: insert_occurrences
insert into ops.occurrence (campaign_id, occurrence_key, planned_at, waterfall)
select
    %(campaign_id)s,
    given.opt_in_id,
    %(now)s,
    given.waterfall
from jsonb_to_recordset(%(rows)s) as given (opt_in_id text, waterfall jsonb)
on conflict (campaign_id, occurrence_key) do nothing;

-- name: insert_sends
insert into ops.send (
    send_id,
    campaign_id,
    occurrence_key,
    recipient_key,
    customer_id,
    topic,
    policy,
    state,
    due_at,
    expires_at,
    mailbox,
    template_version,
    context,
    planned_at
)
select
    given.send_id,
    %(campaign_id)s,
    given.opt_in_id,
    given.recipient_key,
    given.customer_id,
    %(topic)s,
    %(policy)s,
    'pending',
    %(now)s,
    given.expires_at,
    given.mailbox,
    given.template_version,
    given.context,
    %(now)s
from
    jsonb_to_recordset(%(rows)s) as given (
        send_id uuid,
        opt_in_id text,
        recipient_key text,
        customer_id text,
        expires_at timestamptz,
        mailbox text,
        template_version text,
        context jsonb
    )
on conflict (campaign_id, occurrence_key, recipient_key) do nothing;

-- name: insert_decisions
insert into ops.decision (campaign_id, occurrence_key, customer_id, recipient_key, outcome, reason, decided_at)
select
    %(campaign_id)s,
    given.opt_in_id,
    given.customer_id,
    given.recipient_key,
    given.outcome,
    given.reason,
    %(now)s
from
    jsonb_to_recordset(%(rows)s) as given (
        opt_in_id text,
        customer_id text,
        recipient_key text,
        outcome text,
        reason text
    )
on conflict (campaign_id, occurrence_key, customer_id) do nothing;
