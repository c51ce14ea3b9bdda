-- name: audience
select
    customer_id,
    email,
    time_zone,
    to_jsonb(audience) - array['email', 'customer_id', 'as_of', 'email_consent', 'email_consent_at'] as fields
from activation.campaign_audience as audience
where %(segment)s = any(segments)
order by customer_id asc, email_consent desc nulls last, email_consent_at desc nulls last, email asc;

-- name: standing
select
    key.recipient_key,
    coalesce(consent.granted, false) as granted,
    consent.occurred_at is not null as asked,
    suppression.reason as suppressed_by,
    coalesce(sent.in_cap_days, 0) as in_cap_days,
    coalesce(sent.in_repeat_days, 0) as in_repeat_days
from unnest(%(keys)s::text[]) as key (recipient_key)
left join lateral (
    select
        fact.granted,
        fact.occurred_at
    from ops.consent_fact as fact
    where
        fact.recipient_key = key.recipient_key
        and fact.topic = %(topic)s
        -- A clock of somebody else's may be ahead: a refusal counts at once, a grant when its time has come.
        and (not fact.granted or fact.occurred_at <= %(now)s)
    -- Of two facts of one moment the refusal holds.
    order by fact.occurred_at desc, fact.granted asc
    limit 1
) as consent on true
left join lateral (
    select force.reason
    from ops.suppression_in_force(key.recipient_key, %(topic)s, %(now)s) as force
    order by force.precedence
    limit 1
) as suppression on true
left join lateral (
    select
        count(*) filter (
            where past.topic = %(topic)s and past.due_at > %(slot_at)s - make_interval(days => %(cap_days)s)
        ) as in_cap_days,
        count(*) filter (
            where
            past.campaign_id = %(campaign_id)s
            and past.due_at > %(slot_at)s - make_interval(days => %(repeat_days)s)
        ) as in_repeat_days
    from ops.send as past
    where
        past.recipient_key = key.recipient_key
        and past.state not in ('suppressed', 'failed', 'expired', 'cancelled')
        and past.due_at > %(slot_at)s - make_interval(days => greatest(%(cap_days)s, %(repeat_days)s))
) as sent on true;

-- name: mailbox_families
select
    domain,
    family
from ops.mailbox_domain
where family != 'rest';
