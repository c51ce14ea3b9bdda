-- Ada: a store account, a till's record, a guest's order and a help desk user only probably hers. Ben: somebody else.
-- Profiles stand as a build leaves them.
set role transformer;
create table intermediate.int_profiles (profile_key text primary key, email text, loyalty_number text);
reset role;
insert into intermediate.int_profiles (profile_key, email) values
('shopify:gid://shopify/Customer/1', 'ada@example.com'), ('files:till:9', null), ('guest:ada@example.com', 'ada@example.com'),
('zendesk:7', null), ('shopify:gid://shopify/Customer/2', 'ben@example.com'),
('zendesk:8', 'front@office.example'), ('zendesk:9', 'front@office.example');
update intermediate.int_profiles set loyalty_number = '77' where profile_key = 'files:till:9';
insert into identity.customer_ids (customer_id, founded_by, created_at) values
('c-ada', 'guest:ada@example.com', '2026-01-01'), ('c-ben', 'shopify:gid://shopify/Customer/2', '2026-01-01'),
('c-8', 'zendesk:8', '2026-01-01'), ('c-9', 'zendesk:9', '2026-01-01');
insert into identity.members (profile_key, customer_id, since_at, confidence, certain_key) values
('shopify:gid://shopify/Customer/1', 'c-ada', '2026-01-01', 'certain', 'files:till:9'),
('files:till:9', 'c-ada', '2026-01-01', 'certain', 'files:till:9'),
('guest:ada@example.com', 'c-ada', '2026-01-01', 'certain', 'files:till:9'),
('zendesk:7', 'c-ada', '2026-01-01', 'probable', 'zendesk:7'),
('shopify:gid://shopify/Customer/2', 'c-ben', '2026-01-01', 'certain', 'shopify:gid://shopify/Customer/2'),
('zendesk:8', 'c-8', '2026-01-01', 'certain', 'zendesk:8'), ('zendesk:9', 'c-9', '2026-01-01', 'certain', 'zendesk:9');
insert into identity.edges values
('files:till:9', 'guest:ada@example.com', 'same_name_and_address', true, 1, 'Ada Lovelace');
insert into identity.changes (kind, customer_id, profile_key, rule, evidence, changed_at) values
('create', 'c-ada', null, null, '{"profiles": ["guest:ada@example.com"]}', '2026-01-01'),
('create', 'c-ben', 'shopify:gid://shopify/Customer/2', null, '{"profiles": ["x"]}', '2026-01-01');
insert into identity.profile_states values ('guest:ada@example.com', 'f'), ('shopify:gid://shopify/Customer/2', 'f');
insert into identity.decisions values
('files:till:9', 'guest:ada@example.com', true, 'she said so', 'clerk', '2026-01-01', null);

insert into raw_shopify.customers (id, email, first_name) values
('gid://shopify/Customer/1', 'Ada@Example.com', 'Ada'), ('gid://shopify/Customer/2', 'ben@example.com', 'Ben');
insert into raw_shopify_staging.customers (id, email, created_at, updated_at, _dlt_load_id, _dlt_id)
select id, email, '2026-01-01', '2026-01-01', '1', id from raw_shopify.customers;
insert into raw_shopify.orders (id, name, customer_id, email, phone, shipping_address, currency_code, total_amount) values
('o1', '#1', 'gid://shopify/Customer/1', null, null, '{"name": "Ada Lovelace", "countryCodeV2": "GB"}', 'GBP', 20),
('o2', '#2', null, 'ADA@example.com ', '+44', '{"name": "Ada Lovelace", "countryCodeV2": "GB"}', 'GBP', 30),
('o3', '#3', 'gid://shopify/Customer/2', 'ben@example.com', '+45', '{"name": "Ben Stone", "countryCodeV2": "GB"}', 'GBP', 40);
insert into landing.load (load_id, source, started_at, status)
values ('00000000-0000-0000-0000-000000000001', 'files', '2026-03-25', 'loaded');
insert into raw_files.customers (feed, id, email, full_name, loyalty_number, load_id)
values ('till', '9', null, 'Ada Lovelace', '77', '00000000-0000-0000-0000-000000000001');
insert into raw_files.loyalty (feed, id, points, load_id) values ('club', '77', 5, '00000000-0000-0000-0000-000000000001');
insert into landing.quarantine (load_id, source, relation, record_no, reason, record) values
('00000000-0000-0000-0000-000000000001', 'files', 'customers', 1, 'no id', '{"email": "ADA@example.com"}'),
('00000000-0000-0000-0000-000000000001', 'files', 'customers', 2, 'no id', '{"email": "ben@example.com"}');

insert into scores.churn values
('c-ada', 0.1, 0.5, 9, 'm', '2026-03-01'), ('c-ben', 0.1, 0.5, 9, 'm', '2026-03-01');
insert into ops.campaign (campaign_id, kind, topic, policy, definition, version, updated_at)
values ('news', 'broadcast', 'marketing', 'at_most_once', '{}', '1', '2026-03-01');
insert into ops.template (template_version, campaign_id, subject, html, body_text, language, created_at)
values ('t1', 'news', 'Hello', '<p>Hello</p>', 'Hello', 'en', '2026-03-01');
insert into ops.occurrence (campaign_id, occurrence_key, planned_at, waterfall) values ('news', 'o1', '2026-03-20', '{}');
