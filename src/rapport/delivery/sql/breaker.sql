-- name: newest_feedback
select
    coalesce(max(feedback.position), 0) as newest,
    coalesce((
        select (control.value ->> 'position')::bigint
        from ops.control as control
        where control.name = 'breaker'
    ), 0) as judged
from ops.feedback as feedback;

-- name: remember
insert into ops.control (name, value, changed_at)
values ('breaker', jsonb_build_object('position', %(newest)s::bigint), clock_timestamp())
on conflict (name) do update
set value = excluded.value, changed_at = excluded.changed_at;

-- name: touched
select distinct
    feedback.campaign_id,
    feedback.occurrence_key
from ops.feedback as feedback
inner join ops.campaign as campaign on feedback.campaign_id = campaign.campaign_id
where feedback.position > %(judged)s and campaign.policy = 'at_most_once'
order by feedback.campaign_id, feedback.occurrence_key;

-- name: mails_of_the_day
-- Grain: an occurrence of marketing with anything accepted in the window.
select
    send.campaign_id,
    send.occurrence_key,
    count(*) filter (
        where send.engagement in ('delivered', 'opened', 'clicked', 'unsubscribed', 'complained')
    ) as delivered,
    count(*) filter (where send.engagement = 'bounced') as bounced
from ops.send as send
inner join ops.campaign as campaign on send.campaign_id = campaign.campaign_id
where send.state = 'accepted' and send.accepted_at > %(since)s and campaign.policy = 'at_most_once'
group by send.campaign_id, send.occurrence_key;

-- name: mails_of_occurrence
select
    count(*) filter (
        where send.engagement in ('delivered', 'opened', 'clicked', 'unsubscribed', 'complained')
    ) as delivered,
    count(*) filter (where send.engagement = 'bounced') as bounced
from ops.send as send
where
    send.state = 'accepted'
    and send.campaign_id = %(campaign_id)s
    and send.occurrence_key = %(occurrence_key)s;

-- name: feedback_since
-- What came in after a person's last reset, counted by mail: of all marketing when no campaign is given, of a campaign
-- (a reset of all marketing is one of each campaign), or of one occurrence of it.
with reset as (
    select coalesce(max(breaker_reset.recorded_at), '-infinity') as at
    from ops.breaker_reset
    where breaker_reset.campaign_id is null or breaker_reset.campaign_id = %(campaign_id)s
)

select
    count(distinct feedback.send_id) filter (where feedback.kind = 'complaint') as complaints,
    count(distinct feedback.send_id) filter (where feedback.kind = 'hard_bounce') as hard_bounces,
    count(distinct feedback.send_id) filter (where feedback.kind = 'block') as blocks
from ops.feedback as feedback
cross join reset
inner join ops.campaign as campaign on feedback.campaign_id = campaign.campaign_id
inner join ops.send as send on feedback.send_id = send.send_id
where
    feedback.recorded_at > reset.at
    and campaign.policy = 'at_most_once'
    and send.accepted_at > coalesce(%(since)s, '-infinity'::timestamptz)
    and (%(campaign_id)s::text is null or feedback.campaign_id = %(campaign_id)s)
    and (%(occurrence_key)s::text is null or feedback.occurrence_key = %(occurrence_key)s);

-- name: pause_campaign
-- A campaign that a person paused keeps that person's reason.
update ops.campaign
set paused = true, paused_because = %(because)s, paused_at = clock_timestamp()
where campaign_id = %(campaign_id)s and not paused
returning campaign_id;

-- name: stop_marketing
insert into ops.control (name, value, changed_at)
values (
    'marketing_stop',
    jsonb_build_object('because', %(because)s::text, 'at', clock_timestamp()),
    clock_timestamp()
)
on conflict (name) do update
set value = excluded.value, changed_at = excluded.changed_at
where control.value = 'false'::jsonb
returning name;

-- name: record_trip
insert into ops.breaker_trip (
    trip_id, scope, campaign_id, occurrence_key, measure, level, reason, figures, tripped_on, tripped_at
)
values (
    %(trip_id)s, %(scope)s, %(campaign_id)s, %(occurrence_key)s, %(measure)s, %(level)s, %(reason)s, %(figures)s,
    %(today)s, %(now)s
)
on conflict do nothing
returning trip_id;

-- name: record_reset
insert into ops.breaker_reset (reset_id, campaign_id, reset_by)
values (%(reset_id)s, %(campaign_id)s, %(who)s);

-- name: lift_pause
update ops.campaign
set paused = false, paused_because = null, paused_at = null
where campaign_id = %(campaign_id)s and paused_because like 'breaker: %%'
returning campaign_id;

-- name: campaign_exists
select campaign.campaign_id
from ops.campaign as campaign
where campaign.campaign_id = %(campaign_id)s;

-- name: lift_marketing_stop
update ops.control
set value = 'false', changed_at = clock_timestamp()
where name = 'marketing_stop' and value != 'false'::jsonb
returning name;
