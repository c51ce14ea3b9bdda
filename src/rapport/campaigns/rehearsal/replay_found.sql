-- name: got
select
    got.occurrence_key,
    got.customer_id
from replay_got as got
order by got.slot_at, got.customer_id;

-- name: overlaps
-- People of the replay who got another campaign within the same week, whichever came first.
select
    send.campaign_id,
    count(distinct send.recipient_key) as people
from ops.send as send
inner join replay_got as got on send.recipient_key = got.recipient_key
where
    send.campaign_id != %(campaign_id)s
    and send.state in ('accepted', 'quarantined', 'unknown')
    and send.due_at between got.slot_at - interval '7 days' and got.slot_at + interval '7 days'
group by send.campaign_id
order by people desc, send.campaign_id;

-- name: pressure
-- Mails a person and week (of seven days from the first day of the replay on), among people who would have got one.
with mails as (
    select
        got.recipient_key,
        got.slot_at as at
    from replay_got as got
    union all
    select
        send.recipient_key,
        send.due_at
    from ops.send as send
    where
        send.campaign_id != %(campaign_id)s
        and send.state in ('accepted', 'quarantined', 'unknown')
        and send.due_at between %(since)s and %(until)s
        and exists (select 1 from replay_got as got where got.recipient_key = send.recipient_key)
),

weeks as (
    select
        mails.recipient_key,
        floor(extract(epoch from mails.at - %(since)s) / (7 * 86400)) as week,
        count(*) as mails
    from mails
    group by 1, 2
)

select
    weeks.mails,
    count(*) as person_weeks
from weeks
group by weeks.mails
order by weeks.mails;

-- name: former_results
-- Of the campaign itself, or of all campaigns of the topic but it. `people` are messages accepted.
select
    coalesce(sum(result.accepted), 0)::bigint as people,
    coalesce(sum(result.delivered), 0)::bigint as delivered,
    coalesce(sum(result.clicked), 0)::bigint as clicked,
    coalesce(sum(result.unsubscribed), 0)::bigint as unsubscribed,
    coalesce(sum(result.complained), 0)::bigint as complained,
    count(distinct (result.campaign_id, result.occurrence_key)) as occurrences
from marts.campaign_results as result
inner join ops.campaign as campaign on result.campaign_id = campaign.campaign_id
where
    campaign.topic = %(topic)s
    and (result.campaign_id = %(campaign_id)s) = %(own)s
    and campaign.kind != 'confirmation';

-- name: has_results
select to_regclass('marts.campaign_results') is not null as there;
