-- Dora opens a store account with the address the till knows, and Zed's social account turns out to be hers.
-- Ada gets a mail, clicks, and buys once more. Finn pays in a currency that nobody has a rate for.
set local role loader;

insert into raw_shopify.customers (
    id, first_name, last_name, email, email_marketing_state, email_consent_updated_at, country_code, created_at, updated_at
) values
('gid://shopify/Customer/6', 'Dora', 'Quill', 'dora@example.com', 'SUBSCRIBED', '2026-04-01', 'DE', '2026-04-01',
    '2026-04-01');
update raw_files.customers set social_handle = '@Zed.social', updated_at = '2026-04-02' where id = '11';
insert into raw_shopify.orders (
    id, name, customer_id, email, created_at, updated_at, test, currency_code, source_name, shipping_amount, line_items
) values
('gid://shopify/Order/7', '#7', 'gid://shopify/Customer/1', 'ada@example.com', '2026-04-12', '2026-04-12', false, 'GBP',
    'web', 0, '[{"id": "gid://L/7", "product_id": "gid://shopify/Product/1", "title": "Blue mug", "quantity": 1,
       "current_quantity": 1, "unit_price_amount": "10.00", "discount_amount": "1.50"}]'),
('gid://shopify/Order/14', '#14', 'gid://shopify/Customer/11', 'finn@example.com', '2026-06-01', '2026-06-01', false, 'JPY',
    'web', 0, '[{"id": "gid://L/14", "product_id": null, "title": "Gift", "quantity": 1, "unit_price_amount": "900"}]');

reset role;

insert into ops.campaign (campaign_id, kind, topic, policy, definition, version, updated_at)
values ('win_back', 'promotion', 'marketing', 'at_most_once', '{}', '1', '2026-04-09');
insert into ops.template (template_version, campaign_id, subject, html, body_text, language, created_at)
values ('t1', 'win_back', 'Hello', '<p>Hello</p>', 'Hello', 'en', '2026-04-09');
insert into ops.occurrence (campaign_id, occurrence_key, planned_at, waterfall)
values ('win_back', '2026-04-10', '2026-04-09', '{}'), ('win_back', '2026-05-10', '2026-05-09', '{}');
insert into ops.recipient (recipient_key, address, created_at)
values ('ka', 'ada@example.com', '2026-04-09'), ('kd', 'dora@example.com', '2026-04-09'),
('kc', 'cleo@example.com', '2026-04-09');
insert into ops.send (
    send_id, campaign_id, occurrence_key, recipient_key, customer_id, topic, policy, state, due_at, expires_at, accepted_at,
    template_version, context, planned_at
)
select
    sends.send_id::uuid, 'win_back', '2026-04-10', sends.recipient_key, members.customer_id, 'marketing', 'at_most_once',
    sends.state, timestamptz '2026-04-10', timestamptz '2026-04-11',
    case when sends.state = 'accepted' then timestamptz '2026-04-10 09:00+00' end, 't1', '{}', timestamptz '2026-04-09'
from (values
    ('00000000-0000-7000-8000-00000000000a', 'ka', 'shopify:gid://shopify/Customer/1', 'accepted'),
    ('00000000-0000-7000-8000-00000000000d', 'kd', 'files:till:11', 'accepted'),
    ('00000000-0000-7000-8000-00000000000c', 'kc', 'shopify:gid://shopify/Customer/5', 'suppressed')
) as sends (send_id, recipient_key, profile_key, state)
inner join identity.members on sends.profile_key = members.profile_key;

insert into ops.webhook_inbox (event_id, event, send_id, raw, occurred_at, received_at)
select
    events.event_id, events.event, events.send_id::uuid, events.raw::jsonb, events.at::timestamptz, events.at::timestamptz
from (values
    ('e1', 'delivered', '00000000-0000-7000-8000-00000000000a', '{}', '2026-04-10 09:01+00'),
    ('e2', 'open', '00000000-0000-7000-8000-00000000000a', '{"sg_machine_open": true}', '2026-04-10 09:02+00'),
    ('e4', 'open', '00000000-0000-7000-8000-00000000000a', '{"sg_machine_open": false}', '2026-04-11 12:00+00'),
    ('e3', 'open', '00000000-0000-7000-8000-00000000000a', '{}', '2026-04-11 10:00+00'),
    ('e5', 'click', '00000000-0000-7000-8000-00000000000a', '{}', '2026-04-11 10:01+00'),
    ('e6', 'delivered', '00000000-0000-7000-8000-00000000000d', '{}', '2026-04-10 09:01+00'),
    ('e7', 'open', '00000000-0000-7000-8000-00000000000d', '{"sg_machine_open": true}', '2026-04-10 09:02+00')
) as events (event_id, event, send_id, raw, at);
insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)
values ('kd', 'marketing', 'unsubscribe', 'link', '00000000-0000-7000-8000-00000000000d', '2026-04-12');
