-- name: campaign
insert into ops.campaign (campaign_id, kind, topic, policy, definition, version, updated_at)
values ('bench', 'broadcast', 'marketing', 'at_most_once', '{"from_name": "The Shop"}', '1', %(now)s);

-- name: template
insert into ops.template (template_version, campaign_id, subject, html, body_text, language, created_at)
values ('v1', 'bench', %(subject)s, %(html)s, %(text)s, 'en', %(now)s);

-- name: occurrence
insert into ops.occurrence (campaign_id, occurrence_key, planned_at, waterfall)
values ('bench', %(occurrence)s, %(now)s, '{}');

-- name: recipients
insert into ops.recipient (recipient_key, address, created_at)
select
    md5(%(occurrence)s || number),
    'reader' || number || '@post' || number %% 997 || '.example',
    %(now)s
from generate_series(1, %(rows)s) as number
on conflict do nothing;

-- name: consents
insert into ops.consent_fact (recipient_key, topic, granted, occurred_at, source, how, source_record_id)
select
    recipient.recipient_key,
    'marketing',
    true,
    %(now)s - interval '30 days',
    'bench',
    'form',
    recipient.recipient_key
from ops.recipient as recipient
on conflict do nothing;

-- name: sends
insert into ops.send (
    send_id, campaign_id, occurrence_key, recipient_key, customer_id, topic, policy, due_at, expires_at,
    template_version, context, planned_at
)
select
    gen_random_uuid(),
    'bench',
    %(occurrence)s,
    md5(%(occurrence)s || number),
    'c' || number,
    'marketing',
    'at_most_once',
    %(now)s,
    %(now)s + interval '1 day',
    'v1',
    jsonb_build_object('first_name', 'Reader ' || number),
    %(now)s
from generate_series(1, %(rows)s) as number;

-- name: analyze
analyze ops.send, ops.recipient, ops.consent_fact;

-- name: states
select
    state,
    count(*) as n
from ops.send
where occurrence_key = %(occurrence)s
group by state;
