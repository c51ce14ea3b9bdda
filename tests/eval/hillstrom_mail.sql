-- The mails of the experiment as the ledger would hold them, and what the results say of them.

-- name: ledger
-- The two mails are variants of one campaign, those without a mail its holdout; who came after a mail has clicked it.
with

people as (
    select
        hillstrom.*,
        members.customer_id,
        case segment when 'Mens E-Mail' then 'a' when 'Womens E-Mail' then 'b' end as variant,
        ('00000000-0000-7000-8000-' || lpad(person::text, 12, '0'))::uuid as send_id
    from public.hillstrom
    inner join identity.members on members.profile_key = 'shopify:gid://shopify/Customer/' || person
),

campaign as (
    insert into ops.campaign (campaign_id, kind, topic, policy, definition, version, updated_at)
    values ('hillstrom', 'broadcast', 'marketing', 'at_most_once', '{}', '1', %(planned_at)s)
    returning campaign_id
),

template as (
    insert into ops.template (template_version, campaign_id, variant, subject, html, body_text, language, created_at)
    select variant, campaign_id, variant, 'Hello', 'Hello', 'Hello', 'en', %(planned_at)s
    from campaign
    cross join unnest(array['a', 'b']) as variant
    returning template_version
),

occurrence as (
    insert into ops.occurrence (campaign_id, occurrence_key, planned_at, waterfall, lot)
    select campaign_id, %(occurrence_key)s, %(planned_at)s, '{}', %(lot)s
    from campaign
    returning campaign_id
),

recipients as (
    insert into ops.recipient (recipient_key, address, created_at)
    select 'k' || person, 'person' || person || '@example.com', %(planned_at)s
    from people
    returning recipient_key
),

sends as (
    insert into ops.send (
        send_id, campaign_id, occurrence_key, recipient_key, customer_id, variant, topic, policy, state, due_at,
        expires_at, accepted_at, template_version, context, planned_at
    )
    select
        send_id, 'hillstrom', %(occurrence_key)s, 'k' || person, customer_id, variant, 'marketing', 'at_most_once',
        'accepted', %(planned_at)s + interval '1 hour', %(planned_at)s + interval '1 day',
        %(planned_at)s + interval '1 hour', variant, '{}', %(planned_at)s
    from people
    where
        variant is not null
        -- What the sends refer to must be there first.
        and (select count(*) from occurrence) + (select count(*) from template) + (select count(*) from recipients) > 0
    returning send_id
),

decisions as (
    insert into ops.decision (
        campaign_id, occurrence_key, customer_id, recipient_key, outcome, reason, decided_at
    )
    select
        'hillstrom', %(occurrence_key)s, customer_id, 'k' || person,
        case when variant is null then 'holdout' else 'planned' end, '', %(planned_at)s
    from people
)

insert into ops.webhook_inbox (event_id, event, send_id, raw, occurred_at, received_at)
select
    'click-' || people.person, 'click', people.send_id, '{"url": "https://shop.example/"}',
    %(planned_at)s + interval '2 hours' + (people.person %% 13) * interval '1 day', %(planned_at)s + interval '14 days'
from people
inner join sends on people.send_id = sends.send_id
where people.visit = 1;

-- name: effects
-- What a person was changed by, from the published table, and nothing else.
select
    result.variant,
    measure.name,
    measure.change / result.planned as change,
    measure.low / result.planned as low,
    measure.high / result.planned as high
from marts.campaign_results as result
cross join lateral (
    values
    (
        'visit',
        result.incremental_visitors_count,
        result.incremental_visitors_count_low,
        result.incremental_visitors_count_high
    ),
    (
        'conversion',
        result.incremental_orders_count,
        result.incremental_orders_count_low,
        result.incremental_orders_count_high
    ),
    (
        'spend',
        result.incremental_reporting_revenue,
        result.incremental_reporting_revenue_low,
        result.incremental_reporting_revenue_high
    )
) as measure (name, change, low, high)
where result.campaign_id = 'hillstrom';
