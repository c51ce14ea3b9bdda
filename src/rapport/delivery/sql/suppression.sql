-- name: marketing_topics
select distinct campaign.topic
from ops.campaign as campaign
where campaign.policy = 'at_most_once'
order by campaign.topic;

-- name: add_listed
-- What stands here in force for the same reason is not written twice, so our own entries do not come back as new ones.
insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)
select
    given.recipient_key,
    given.topic,
    given.reason,
    'sendgrid',
    given.evidence_id,
    coalesce(given.occurred_at, %(now)s)
from unnest(
    %(recipient_key)s::text[],
    %(topic)s::text[],
    %(reason)s::text[],
    %(evidence_id)s::text[],
    %(occurred_at)s::timestamptz[]
) as given (recipient_key, topic, reason, evidence_id, occurred_at)
where
    not exists (
        select 1
        from ops.suppression_in_force(given.recipient_key, given.topic, %(now)s) as stop
        where stop.reason = given.reason and stop.topic = given.topic
    )
    -- An entry without a date may be the one that a double opt-in has lifted since.
    and (
        given.occurred_at is not null
        or not exists (
            select 1
            from ops.suppression as known
            where
                known.recipient_key = given.recipient_key
                and known.topic = given.topic
                and known.reason = given.reason
        )
    )
on conflict (recipient_key, topic, reason, evidence_id) do nothing;

-- name: ours
-- Grain: an address that must not get this topic ('*': anything), for a reason that the provider's list may hold.
select distinct
    stop.recipient_key,
    recipient.address
from ops.suppression as stop
inner join ops.recipient as recipient on stop.recipient_key = recipient.recipient_key
cross join lateral ops.suppression_in_force(stop.recipient_key, %(topic)s, %(now)s) as force
where
    stop.topic = %(topic)s
    and recipient.address is not null
    and force.topic = %(topic)s
    and force.reason in ('unsubscribe', 'complaint', 'manual');

-- name: orders_exist
select to_regclass('marts.orders') is not null as found;

-- name: sunset
-- Who took many mails on a topic, and for long shows no sign of a person: no open by hand, no click, no order. What was
-- accepted before a confirmation of theirs does not count. A suppression that stands already is reason enough.
with silent as (
    select
        send.recipient_key,
        send.topic,
        array_agg(distinct send.customer_id) as customer_ids
    from ops.send as send
    inner join ops.campaign as campaign on send.campaign_id = campaign.campaign_id
    where
        send.state = 'accepted'
        and send.accepted_at > %(since)s
        and send.accepted_at > coalesce((
            select max(fact.occurred_at)
            from ops.consent_fact as fact
            where
                fact.recipient_key = send.recipient_key
                and fact.topic = send.topic
                and fact.granted
                and fact.how = 'double_opt_in'
        ), '-infinity')
        and campaign.policy = 'at_most_once'
    group by send.recipient_key, send.topic
    having
        count(*) >= %(mails)s
        -- Of 'clicked' nobody knows yet whether it was a person; that is asked below.
        and bool_and(send.engagement not in ('opened', 'unsubscribed', 'complained'))
)

insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)
select
    silent.recipient_key,
    silent.topic,
    'sunset',
    'engine',
    'sunset:' || %(now)s::timestamptz::date,
    %(now)s
from silent
where
    -- A person's click or open of these days, on an older mail too.
    not exists (
        select 1
        from
            ops.clicks(
                array(select past.send_id from ops.send as past where past.recipient_key = silent.recipient_key)
            ) as click
        where click.occurred_at > %(since)s and not click.is_machine
    )
    and not exists (
        select 1
        from ops.send as past
        inner join ops.webhook_inbox as inbox on past.send_id = inbox.send_id
        where
            past.recipient_key = silent.recipient_key
            and inbox.occurred_at > %(since)s
            and inbox.event = 'open'
            and (inbox.raw ->> 'sg_machine_open') is distinct from 'true'
    )
    and not exists (
        select 1
        from marts.orders
        where
            orders.customer_id = any(silent.customer_ids)
            and orders.ordered_at > %(since)s
            and orders.counts_as_order
    )
    and not exists (select 1 from ops.suppression_in_force(silent.recipient_key, silent.topic, %(now)s))
on conflict (recipient_key, topic, reason, evidence_id) do nothing;
