-- name: lock_recipient
-- Two requests at once must not both be the last one that the day allows.
select pg_advisory_xact_lock(hashtextextended('opt_in:' || %(recipient_key)s, 0));

-- name: insert_request
insert into ops.opt_in (
    opt_in_id, recipient_key, address, topic, language, wording, source, asked_at, expires_at
)
select
    %(opt_in_id)s,
    %(recipient_key)s,
    %(address)s,
    %(topic)s,
    %(language)s,
    %(wording)s,
    %(source)s,
    %(now)s,
    %(expires_at)s
where (
    select count(*)
    from ops.opt_in as former
    where former.recipient_key = %(recipient_key)s and former.asked_at > %(now)s::timestamptz - interval '1 day'
) < %(most_a_day)s
on conflict (opt_in_id) do nothing;

-- name: topic
select
    known.topic as name,
    coalesce(localised.title, english.title) as title
from (
    select campaign.topic
    from ops.campaign as campaign
    where campaign.topic = %(topic)s and campaign.kind != 'confirmation'
    limit 1
) as known
left join ops.topic_title as localised on known.topic = localised.topic and localised.language = %(language)s
left join ops.topic_title as english on known.topic = english.topic and english.language = 'en';

-- name: request
select
    request.wording,
    request.language,
    request.expires_at,
    confirmation.opt_in_id is not null as is_confirmed
from ops.opt_in as request
left join ops.opt_in_confirmation as confirmation on request.opt_in_id = confirmation.opt_in_id
where request.opt_in_id = %(opt_in_id)s;

-- name: confirm
with request as (
    select
        opt_in.opt_in_id,
        opt_in.recipient_key,
        opt_in.topic,
        opt_in.source,
        opt_in.wording
    from ops.opt_in as opt_in
    where opt_in.opt_in_id = %(opt_in_id)s and opt_in.expires_at > %(now)s
),

confirmed as (
    insert into ops.opt_in_confirmation (opt_in_id, confirmed_at)
    select
        request.opt_in_id,
        %(now)s
    from request
    on conflict (opt_in_id) do nothing
    returning opt_in_id
)

insert into ops.consent_fact (
    recipient_key, topic, granted, occurred_at, source, how, wording, source_record_id
)
select
    request.recipient_key,
    request.topic,
    true,
    %(now)s,
    'gateway:' || request.source,
    'double_opt_in',
    request.wording,
    request.opt_in_id::text
from request
inner join confirmed on request.opt_in_id = confirmed.opt_in_id;

-- name: erase_addresses
update ops.opt_in
set address = null
where
    address is not null
    and (
        expires_at <= %(now)s
        or exists (
            select 1
            from ops.opt_in_confirmation as confirmation
            where confirmation.opt_in_id = opt_in.opt_in_id
        )
    );

-- name: erase_strangers
-- Who asked, never confirmed, and never gave the shop anything else to write about: nothing is left to keep.
update ops.recipient
set address = null
where
    recipient.address is not null
    and exists (
        select 1
        from ops.opt_in as request
        where request.recipient_key = recipient.recipient_key and request.expires_at <= %(now)s
    )
    and not exists (
        select 1
        from ops.opt_in as request
        left join ops.opt_in_confirmation as confirmation on request.opt_in_id = confirmation.opt_in_id
        where
            request.recipient_key = recipient.recipient_key
            and (request.expires_at > %(now)s or confirmation.opt_in_id is not null)
    )
    and not exists (
        select 1
        from ops.consent_fact as fact
        where fact.recipient_key = recipient.recipient_key
    )
    and not exists (
        select 1
        from ops.send as send
        inner join ops.campaign as campaign on send.campaign_id = campaign.campaign_id
        where send.recipient_key = recipient.recipient_key and campaign.kind != 'confirmation'
    );
