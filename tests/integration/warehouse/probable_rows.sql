-- Ben and Cleo, two strangers, are probably one person: Ben's profile is the one that mail may speak of.
update identity.members
set
    customer_id = (select members.customer_id from identity.members as members where members.profile_key = 'shopify:gid://shopify/Customer/4'),
    confidence = 'probable'
where customer_id = (
    select members.customer_id from identity.members as members where members.profile_key = 'shopify:gid://shopify/Customer/5'
);
insert into scores.lifetime
select customer_id, 'GBP', 0.9, 1.5, 4, 30, 80, 'pareto_nbd', timestamptz '2026-03-24'
from identity.members where profile_key in ('shopify:gid://shopify/Customer/1', 'shopify:gid://shopify/Customer/4');
insert into scores.churn
select customer_id, 0.4, 0.1, 20, 'pareto_nbd', timestamptz '2026-03-24'
from identity.members where profile_key = 'shopify:gid://shopify/Customer/1'
union all
select customer_id, 0.01, 0.8, null, 'pareto_nbd', timestamptz '2026-03-24'
from identity.members where profile_key = 'shopify:gid://shopify/Customer/4';
insert into scores.send_time
select customer_id, 19, 0.8, null, 'empirical_bayes', timestamptz '2026-01-01'
from identity.members where profile_key = 'shopify:gid://shopify/Customer/1';
insert into scores.recommendations
select members.customer_id, given.rank, given.product_id, 1, 'shopify:gid://shopify/Product/1', 'ease', timestamptz '2026-03-24'
from identity.members as members
cross join (values (1, 'nowhere'), (2, 'shopify:gid://shopify/Product/2')) as given (rank, product_id)
where members.profile_key in ('shopify:gid://shopify/Customer/1', 'shopify:gid://shopify/Customer/4');

-- Ada clicked our own link to unsubscribe; a stranger asked for mail and got a question.
insert into ops.campaign (campaign_id, kind, topic, policy, definition, version, updated_at)
values ('confirm', 'confirmation', 'marketing', 'at_most_once', '{}', '1', '2026-03-01');
insert into ops.template (template_version, campaign_id, subject, html, body_text, language, created_at)
values ('t1', 'confirm', 'Please confirm', '<p>Hello</p>', 'Hello', 'en', '2026-03-01');
insert into ops.occurrence (campaign_id, occurrence_key, planned_at, waterfall) values ('confirm', 'o1', '2026-03-20', '{}');
insert into ops.recipient (recipient_key, address, created_at)
values ('ka', 'ada@example.com', '2026-03-20'), ('ks', 'stranger@example.com', '2026-03-20');
insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)
values ('ka', 'marketing', 'unsubscribe', 'link', 'click-1', '2026-03-22');
insert into ops.send (
    send_id, campaign_id, occurrence_key, recipient_key, customer_id, topic, policy, state, due_at, expires_at, accepted_at,
    template_version, context, planned_at
) values (
    '00000000-0000-7000-8000-0000000000cc', 'confirm', 'o1', 'ks', 'opt_in:00000000-0000-7000-8000-0000000000dd', 'marketing',
    'at_most_once', 'accepted', '2026-03-20', '2026-03-21', '2026-03-20', 't1', '{}', '2026-03-20'
);
