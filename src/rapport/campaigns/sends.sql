-- name: insert_recipients
-- An address that was removed comes back when its owner does, unless the person was erased.
with given as (
    select distinct
        line.recipient_key,
        line.address
    from jsonb_to_recordset(%(rows)s) as line (recipient_key text, address text)
),

back as (
    update ops.recipient
    set address = given.address
    from given
    where
        recipient.recipient_key = given.recipient_key
        and recipient.address is null
        and not exists (
            select 1
            from ops.suppression as stop
            where stop.recipient_key = given.recipient_key and stop.reason = 'erasure'
        )
)

insert into ops.recipient (recipient_key, address, created_at)
select
    given.recipient_key,
    given.address,
    %(now)s
from given
on conflict (recipient_key) do nothing;

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
    open_during,
    mailbox,
    canary,
    template_version,
    context,
    planned_at
)
select
    given.send_id,
    %(campaign_id)s,
    %(occurrence_key)s,
    given.recipient_key,
    given.customer_id,
    %(topic)s,
    %(policy)s,
    'pending',
    given.due_at,
    given.expires_at,
    given.open_during,
    given.mailbox,
    %(canary_wait_seconds)s = 0,
    given.template_version,
    given.context,
    %(now)s
from
    jsonb_to_recordset(%(rows)s) as given (
        send_id uuid,
        recipient_key text,
        customer_id text,
        due_at timestamptz,
        expires_at timestamptz,
        open_during tstzmultirange,
        mailbox text,
        template_version text,
        context jsonb
    )
on conflict (campaign_id, occurrence_key, recipient_key) do nothing;

-- name: choose_canaries
-- Chosen by lot, and first to leave within their hours. An occurrence too small for a wave of its own goes whole.
with planned as (
    select
        send.send_id,
        row_number() over (order by md5(send.recipient_key || send.occurrence_key)) as place,
        count(*) over () as total
    from ops.send as send
    where send.campaign_id = %(campaign_id)s and send.occurrence_key = %(occurrence_key)s
)

update ops.send
set
    canary = true,
    due_at = case
        when planned.total < 2 * %(canaries_least)s then send.due_at
        else coalesce(lower(send.open_during), %(earliest)s)
    end
from planned
where
    send.send_id = planned.send_id
    and (
        planned.total < 2 * %(canaries_least)s
        or planned.place <= greatest(%(canaries_least)s, ceil(planned.total * %(canary_share)s))
    );

-- name: insert_decisions
insert into ops.decision (campaign_id, occurrence_key, customer_id, recipient_key, outcome, reason, decided_at)
select
    %(campaign_id)s,
    %(occurrence_key)s,
    given.customer_id,
    given.recipient_key,
    given.outcome,
    given.reason,
    %(now)s
from
    jsonb_to_recordset(%(rows)s) as given (
        customer_id text,
        recipient_key text,
        outcome text,
        reason text
    )
on conflict (campaign_id, occurrence_key, customer_id) do nothing;
