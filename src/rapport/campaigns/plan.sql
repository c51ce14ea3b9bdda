-- name: lock_occurrence
select pg_advisory_xact_lock(hashtextextended('occurrence:' || %(campaign_id)s || ':' || %(occurrence_key)s, 0));

-- name: planned_occurrence
select waterfall
from ops.occurrence
where campaign_id = %(campaign_id)s and occurrence_key = %(occurrence_key)s;

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

-- name: audience
select
    customer_id,
    email,
    time_zone,
    to_jsonb(audience) - array['email', 'customer_id', 'as_of', 'email_consent', 'email_consent_at'] as fields
from activation.campaign_audience as audience
where %(segment)s = any(segments)
order by customer_id asc, email_consent desc nulls last, email_consent_at desc nulls last, email asc;

-- name: upsert_campaign
insert into ops.campaign (campaign_id, kind, topic, policy, priority, definition, version, updated_at)
values (%(campaign_id)s, %(kind)s, %(topic)s, %(policy)s, %(priority)s, %(definition)s, %(version)s, %(now)s)
on conflict (campaign_id) do update set
    kind = excluded.kind,
    priority = excluded.priority,
    topic = excluded.topic,
    policy = excluded.policy,
    definition = excluded.definition,
    version = excluded.version,
    updated_at = excluded.updated_at
where ops.campaign.version <> excluded.version;

-- name: insert_template
insert into ops.template (
    template_version, campaign_id, subject, preheader, html, body_text, language, created_at
)
values (
    %(template_version)s, %(campaign_id)s, %(subject)s, %(preheader)s, %(html)s, %(body_text)s, %(language)s, %(now)s
)
on conflict (template_version) do nothing;

-- name: insert_occurrence
insert into ops.occurrence (campaign_id, occurrence_key, planned_at, waterfall)
values (%(campaign_id)s, %(occurrence_key)s, %(now)s, '{}')
on conflict do nothing;

-- name: campaign_rate
-- A bucket that changes its rate keeps what it holds.
insert into ops.throttle (scope, key, per_second, burst, tokens)
values (
    'campaign',
    %(campaign_id)s,
    %(rate_per_hour)s / 3600.0,
    greatest(1, %(rate_per_hour)s / 360.0),
    greatest(1, %(rate_per_hour)s / 360.0)
)
on conflict (scope, key) do update
set per_second = excluded.per_second, burst = excluded.burst;

-- name: mailbox_families
select
    domain,
    family
from ops.mailbox_domain
where family != 'rest';

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

-- name: set_waterfall
update ops.occurrence
set
    waterfall = %(waterfall)s,
    canary_wait_seconds = case
        when exists (
            select 1
            from ops.send
            where
                send.campaign_id = occurrence.campaign_id
                and send.occurrence_key = occurrence.occurrence_key
                and not send.canary
        ) then %(canary_wait_seconds)s
    end
where campaign_id = %(campaign_id)s and occurrence_key = %(occurrence_key)s;

-- name: standing
select
    key.recipient_key,
    coalesce(consent.granted, false) as granted,
    consent.occurred_at is not null as asked,
    suppression.reason as suppressed_by,
    coalesce(sent.in_cap_days, 0) as in_cap_days,
    coalesce(sent.in_repeat_days, 0) as in_repeat_days
from unnest(%(keys)s::text[]) as key (recipient_key)
left join lateral (
    select
        fact.granted,
        fact.occurred_at
    from ops.consent_fact as fact
    where
        fact.recipient_key = key.recipient_key
        and fact.topic = %(topic)s
        and fact.occurred_at <= %(now)s
    -- Of two facts of one moment the refusal holds.
    order by fact.occurred_at desc, fact.granted asc
    limit 1
) as consent on true
left join lateral (
    select stop.reason
    from ops.suppression as stop
    where
        stop.recipient_key = key.recipient_key
        and stop.topic in ('*', %(topic)s)
    order by stop.occurred_at
    limit 1
) as suppression on true
left join lateral (
    select
        count(*) filter (
            where past.topic = %(topic)s and past.due_at > %(slot_at)s - make_interval(days => %(cap_days)s)
        ) as in_cap_days,
        count(*) filter (
            where
            past.campaign_id = %(campaign_id)s
            and past.due_at > %(slot_at)s - make_interval(days => %(repeat_days)s)
        ) as in_repeat_days
    from ops.send as past
    where
        past.recipient_key = key.recipient_key
        and past.state not in ('suppressed', 'failed', 'expired', 'cancelled')
        and past.due_at > %(slot_at)s - make_interval(days => greatest(%(cap_days)s, %(repeat_days)s))
) as sent on true;

-- name: lock_topic
select pg_advisory_xact_lock(hashtextextended('topic:' || %(topic)s, 0));

-- name: insert_recipients
insert into ops.recipient (recipient_key, address, created_at)
select
    given.recipient_key,
    given.address,
    %(now)s
from jsonb_to_recordset(%(rows)s) as given (recipient_key text, address text)
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

-- name: count_occurrence
select
    (
        select count(*)
        from ops.send
        where campaign_id = %(campaign_id)s and occurrence_key = %(occurrence_key)s
    ) as sends,
    (
        select count(*)
        from ops.decision
        where campaign_id = %(campaign_id)s and occurrence_key = %(occurrence_key)s
    ) as decisions;
