-- name: decide
-- One occurrence as it would have been decided at its slot. Of several addresses of a person the first that may get it.
with members as (
    select distinct stay.customer_id
    from segments.customer_segments as stay
    where
        stay.segment = %(segment)s
        and stay.since_at <= %(slot_at)s
        and (stay.left_at is null or stay.left_at > %(slot_at)s)
        and not exists (
            select 1
            from segments.customer_segments as other
            where
                other.customer_id = stay.customer_id
                and other.segment = any(%(exclude_segments)s::text [])
                and other.since_at <= %(slot_at)s
                and (other.left_at is null or other.left_at > %(slot_at)s)
        )
),

judged as (
    select
        members.customer_id,
        address.place,
        address.recipient_key,
        case
            when address.recipient_key is null then 'no_address'
            when exists (
                select 1
                from ops.suppression_in_force(address.recipient_key, %(topic)s, %(slot_at)s) as stop
                where stop.occurred_at <= %(slot_at)s
            ) then 'suppressed'
            when consent.granted is not true then 'no_consent'
            when past.is_capped or past.is_repeated then 'capped'
            when address.holdout_place * 100 < %(holdout_percent)s then 'holdout'
            else 'planned'
        end as outcome
    from members
    left join replay_address as address on members.customer_id = address.customer_id
    left join lateral (
        select fact.granted
        from ops.consent_fact as fact
        where
            fact.recipient_key = address.recipient_key
            and fact.topic = %(topic)s
            and fact.occurred_at <= %(slot_at)s
        order by fact.occurred_at desc, fact.granted asc
        limit 1
    ) as consent on true
    left join lateral (
        select
            bool_or(
                sent.is_own and sent.at > %(slot_at)s - make_interval(days => %(repeat_days)s)
            ) as is_repeated,
            exists (
                select 1
                from jsonb_to_recordset(%(caps)s) as cap (max integer, days integer, topic text)
                where (
                    select count(*)
                    from unnest(array_agg(sent.at), array_agg(sent.topic)) as mail (at, topic)
                    where
                        mail.at > %(slot_at)s - make_interval(days => cap.days)
                        and (cap.topic is null or cap.topic = mail.topic)
                ) >= cap.max
            ) as is_capped
        from (
            -- What really was sent; of the campaign itself only what was sent before the replay begins.
            select
                send.due_at as at,
                send.topic,
                send.campaign_id = %(campaign_id)s as is_own
            from ops.send as send
            where
                send.recipient_key = address.recipient_key
                and send.due_at < %(slot_at)s
                and send.due_at > %(slot_at)s - make_interval(days => %(most_days)s)
                and send.state not in ('suppressed', 'failed', 'expired', 'cancelled')
                and (send.policy = 'at_most_once' or send.topic = %(topic)s)
                and (send.campaign_id != %(campaign_id)s or send.due_at < %(since)s)
            union all
            select
                got.slot_at,
                %(topic)s,
                true
            from replay_got as got
            where got.recipient_key = address.recipient_key and got.slot_at < %(slot_at)s
        ) as sent
    ) as past on true
),

one_a_person as (
    select distinct on (judged.customer_id) judged.*
    from judged
    order by judged.customer_id asc, judged.outcome = 'planned' desc, judged.place asc
),

one_an_address as (
    select
        one.*,
        row_number() over (partition by one.recipient_key, one.outcome order by one.place) as turn
    from one_a_person as one
),

kept as (
    insert into replay_got (occurrence_key, slot_at, customer_id, recipient_key)
    select
        %(occurrence_key)s,
        %(slot_at)s,
        one.customer_id,
        one.recipient_key
    from one_an_address as one
    where one.outcome = 'planned' and one.turn = 1
)

select
    case when one.outcome = 'planned' and one.turn > 1 then 'duplicate_address' else one.outcome end as outcome,
    count(*) as people
from one_an_address as one
group by 1;
