-- name: send_exists
select send.send_id
from ops.send as send
where send.send_id = %(send_id)s;

-- name: suppress
-- A person may leave, come back by a confirmed request and leave again by the same old mail: what counts as said before
-- is only what was said since the last confirmation. And no clock that was put back may date the leaving before it.
with person as (
    select
        send.recipient_key,
        coalesce(%(topics)s::text[], array[send.topic]) as topics,
        returned.at as returned_at
    from ops.send as send
    left join lateral (
        select max(confirmation.confirmed_at) as at
        from ops.opt_in as request
        inner join ops.opt_in_confirmation as confirmation on request.opt_in_id = confirmation.opt_in_id
        where request.recipient_key = send.recipient_key
    ) as returned on true
    where send.send_id = %(send_id)s
)

insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)
select
    person.recipient_key,
    stop.topic,
    'unsubscribe',
    %(source)s,
    case when former.at is null then %(evidence_id)s else %(evidence_again)s end,
    greatest(%(now)s, person.returned_at)
from person
cross join lateral unnest(person.topics) as stop (topic)
left join lateral (
    select max(suppression.occurred_at) as at
    from ops.suppression as suppression
    where
        suppression.recipient_key = person.recipient_key
        and suppression.topic = stop.topic
        and suppression.reason = 'unsubscribe'
) as former on true
where former.at is null or former.at < person.returned_at
on conflict (recipient_key, topic, reason, evidence_id) do nothing;

-- name: refuse
insert into ops.consent_fact (
    recipient_key, topic, granted, occurred_at, source, how, wording, source_record_id
)
select
    send.recipient_key,
    refused.topic,
    false,
    %(now)s,
    'gateway:preference_page',
    'preference_page',
    refused.wording,
    %(evidence_id)s
from ops.send as send
cross join unnest(%(refused)s::text[], %(wordings)s::text[]) as refused (topic, wording)
where send.send_id = %(send_id)s
on conflict (recipient_key, topic, source, source_record_id, occurred_at) do nothing;

-- name: standing
-- How each topic of the shop stands for the address of one send.
with topics as (
    select campaign.topic
    from ops.campaign as campaign
    where campaign.kind != 'confirmation'
    union
    select send.topic
    from ops.send as send
    where
        send.send_id = %(send_id)s
        and send.topic not in (select campaign.topic from ops.campaign as campaign where campaign.kind = 'confirmation')
)

select
    send.recipient_key,
    send.due_at as sent_at,
    topics.topic as name,
    coalesce(localised.title, english.title) as title,
    coalesce(consent.granted, false) and stop.count = 0 as is_on,
    stop.final > 0 as is_final
from ops.send as send
cross join topics
left join ops.topic_title as localised on topics.topic = localised.topic and localised.language = %(language)s
left join ops.topic_title as english on topics.topic = english.topic and english.language = 'en'
left join lateral (
    select fact.granted
    from ops.consent_fact as fact
    where
        fact.recipient_key = send.recipient_key
        and fact.topic = topics.topic
        and fact.occurred_at <= %(now)s
    -- Of two facts of one moment the refusal holds.
    order by fact.occurred_at desc, fact.granted asc
    limit 1
) as consent on true
cross join lateral (
    select
        count(*) as count,
        -- A confirmed request lifts the others: see ops.suppression_in_force.
        count(*) filter (
            where held.reason not in ('unsubscribe', 'soft_bounce', 'sunset')
            or (held.reason = 'unsubscribe' and held.topic = '*')
        ) as final
    from ops.suppression_in_force(send.recipient_key, topics.topic, %(now)s) as held
) as stop
where send.send_id = %(send_id)s
order by topics.topic;
