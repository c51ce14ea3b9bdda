-- name: sends
-- Each person has four mails, so that what one tells meets what the others told.
with campaign as (
    insert into ops.campaign (campaign_id, kind, topic, policy, definition, version, updated_at)
    values ('c', 'broadcast', 'marketing', 'at_most_once', '{}', '1', %(now)s)
),

template as (
    insert into ops.template (template_version, campaign_id, subject, html, body_text, language, created_at)
    values ('v', 'c', 's', 'h', 't', 'en', %(now)s)
),

occurrences as (
    insert into ops.occurrence (campaign_id, occurrence_key, planned_at, waterfall)
    values ('c', '0', %(now)s, '{}'), ('c', '1', %(now)s, '{}'), ('c', '2', %(now)s, '{}'), ('c', '3', %(now)s, '{}')
),

people as (
    insert into ops.recipient (recipient_key, address, created_at)
    select
        'reader' || number,
        null,
        %(now)s
    from generate_series(0, %(sends)s / 4) as number
),

sends as (
    insert into ops.send (
        send_id, campaign_id, occurrence_key, recipient_key, customer_id, topic, policy, state, due_at, expires_at,
        attempt_no, fence, accepted_at, unknown_since, template_version, context, planned_at
    )
    select
        ('00000000-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid,
        'c',
        (number %% 4)::text,
        'reader' || number / 4,
        'c' || number / 4,
        'marketing',
        'at_most_once',
        case when number %% 20 = 0 then 'quarantined' when number %% 7 = 0 then 'unknown' else 'accepted' end,
        %(now)s,
        %(now)s::timestamptz + interval '1 day',
        1,
        1,
        case when number %% 20 != 0 and number %% 7 != 0 then %(now)s::timestamptz end,
        -- Never so old that only the time a run takes would settle it.
        case when number %% 7 = 0 then clock_timestamp() + interval '1 day' end,
        'v',
        '{}',
        %(now)s
    from generate_series(0, %(sends)s - 1) as number
    returning send_id
)

insert into ops.send_attempt (
    send_id, attempt_no, fence, batch_id, intent_at, finished_at, outcome, http_status, allowed_because
)
select
    sends.send_id,
    1,
    1,
    gen_random_uuid(),
    clock_timestamp(),
    clock_timestamp(),
    'accepted',
    202,
    'first attempt'
from sends;

-- name: sums
-- What must not depend on the order, the repetition or the lateness of the events.
select
    (
        select md5(string_agg(
            concat_ws('|', send_id, state, reason, engagement, accepted_at, attempt_no), ';' order by send_id
        ))
        from ops.send
    ) as sends,
    (
        select md5(string_agg(
            concat_ws('|', recipient_key, topic, reason, source, evidence_id, occurred_at), ';'
            order by recipient_key, topic, reason, evidence_id
        ))
        from ops.suppression
    ) as suppressions,
    (
        select md5(string_agg(concat_ws('|', event_id, kind, recipient_key, occurred_at), ';' order by event_id))
        from ops.feedback
    ) as feedback,
    (
        select md5(string_agg(concat_ws('|', event_id, event, send_id, occurred_at, raw), ';' order by event_id))
        from ops.webhook_inbox
        where processed_at is not null
    ) as events,
    (select count(*) from ops.webhook_inbox) as events_count,
    (select count(*) from ops.suppression) as suppressions_count,
    (select count(distinct engagement) from ops.send) as engagements_count;
