-- One campaign in two versions, with a winner for the rest and some held out, and two more mails.
insert into ops.campaign (campaign_id, kind, topic, policy, definition, version, updated_at)
select name, 'recurring', 'marketing', 'at_most_once', '{}', '1', '2026-05-01'
from unnest(array['spring', 'summer', 'extra']) as name;
insert into ops.template (template_version, campaign_id, subject, html, body_text, language, created_at)
select name, name, 'Hello', '<p>Hello</p>', 'Hello', 'en', '2026-05-01'
from unnest(array['spring', 'summer', 'extra']) as name;
insert into ops.occurrence (campaign_id, occurrence_key, planned_at, waterfall, lot)
values ('spring', '2026-05-01T06:00', '2026-05-01 05:00+00', '{}', '{"experiment": {"name": "words"}}'),
('summer', '2026-05-02T06:00', '2026-05-02 05:00+00', '{}', '{}'),
('extra', '2026-05-03T06:00', '2026-05-03 05:00+00', '{}', '{}');
insert into ops.recipient (recipient_key, address, created_at)
select 'k' || n, 'c' || n || '@example.com', '2026-05-01'
from generate_series(1, 24) as n;

insert into ops.send (
    send_id, campaign_id, occurrence_key, recipient_key, customer_id, variant, awaits_winner, mailbox, topic, policy, state,
    due_at, expires_at, accepted_at, template_version, context, planned_at
)
select
    (lpad(row_number() over (order by mails.campaign, mails.n)::text, 8, '0') || '-0000-7000-8000-000000000000')::uuid,
    mails.campaign, occurrence.occurrence_key, 'k' || mails.n, members.customer_id, mails.variant, mails.n between 17 and 18,
    case when mails.n % 2 = 0 then 'gmail' else 'rest' end, 'marketing', 'at_most_once',
    case when mails.n = 8 then 'suppressed' else 'accepted' end,
    occurrence.planned_at + interval '3 hours', occurrence.planned_at + interval '36 hours',
    case when mails.n <> 8 then occurrence.planned_at + interval '3 hours' end, mails.campaign, '{}', occurrence.planned_at
from (
    select 'spring' as campaign, n, case when n <= 8 then 'a' else 'b' end as variant from generate_series(1, 18) as n
    union all
    select 'summer', unnest(array[1, 9]), 'a'
    union all
    select 'extra', 9, 'a'
) as mails
inner join ops.occurrence on mails.campaign = occurrence.campaign_id
inner join identity.members on members.profile_key = 'shopify:gid://shopify/Customer/' || mails.n;

insert into ops.decision (campaign_id, occurrence_key, customer_id, recipient_key, outcome, reason, decided_at)
select
    'spring', '2026-05-01T06:00', members.customer_id, 'k' || n,
    case when n <= 18 then 'planned' when n = 24 then 'capped' else 'holdout' end, '', timestamptz '2026-05-01 05:00+00'
from generate_series(1, 24) as n
inner join identity.members on members.profile_key = 'shopify:gid://shopify/Customer/' || n
union all
-- Held out of everything, and of a campaign that holds out nobody of its own.
select 'summer', '2026-05-02T06:00', members.customer_id, 'k' || n, 'global_holdout', '', timestamptz '2026-05-02 05:00+00'
from generate_series(20, 23) as n
inner join identity.members on members.profile_key = 'shopify:gid://shopify/Customer/' || n;

insert into ops.webhook_inbox (event_id, event, send_id, raw, occurred_at, received_at)
select
    'e' || row_number() over (), events.event, send.send_id, jsonb_build_object('url', events.url), events.at::timestamptz,
    events.at::timestamptz
from (values
    ('click', 1, 'https://shop.example/sale?utm_source=rapport&person=7', '2026-05-01 10:00+00'),
    ('click', 10, 'https://shop.example/sale/#top', '2026-05-01 10:00+00'),
    ('click', 10, 'https://shop.example/sale', '2026-05-01 10:05+00'),
    ('click', 11, 'https://mail.shop.example/u/0123abcd.cGF5bG9hZA.AAAAAAAAAAAAAAAAAAAAAA', '2026-05-01 10:00+00'),
    ('click', 12, 'https://shop.example/hi/c12@example.com/x', '2026-05-01 10:00+00'),
    ('click', 12, 'mailto:help@shop.example', '2026-05-01 10:00+00'),
    -- A scanner, which follows whatever it finds.
    ('click', 15, 'https://shop.example/sale', '2026-05-01 08:00:00+00'),
    ('click', 15, 'https://shop.example/new', '2026-05-01 08:00:01+00'),
    ('click', 15, 'https://shop.example/old', '2026-05-01 08:00:01+00'),
    ('bounce', 13, null, '2026-05-01 10:00+00'),
    ('unsubscribe', 14, null, '2026-05-12 10:00+00')
) as events (event, n, url, at)
inner join ops.send on send.campaign_id = 'spring' and send.recipient_key = 'k' || events.n;
