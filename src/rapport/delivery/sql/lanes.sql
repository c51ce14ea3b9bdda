-- name: lanes
-- Lanes with something due that may leave now, the most urgent first. Steps from lane to lane through the index, so the
-- cost follows the number of lanes, not of messages.
with recursive lane as (
    (
        select
            send.campaign_id,
            send.occurrence_key,
            send.mailbox,
            send.canary
        from ops.send as send
        where send.state = 'pending'
        order by send.campaign_id, send.occurrence_key, send.mailbox, send.canary
        limit 1
    )
    union all
    select later.*
    from lane
    cross join lateral (
        select
            send.campaign_id,
            send.occurrence_key,
            send.mailbox,
            send.canary
        from ops.send as send
        where
            send.state = 'pending'
            and (send.campaign_id, send.occurrence_key, send.mailbox, send.canary)
            > (lane.campaign_id, lane.occurrence_key, lane.mailbox, lane.canary)
        order by send.campaign_id, send.occurrence_key, send.mailbox, send.canary
        limit 1
    ) as later
)

select
    lane.campaign_id,
    lane.occurrence_key,
    lane.mailbox,
    lane.canary
from lane
inner join ops.campaign as campaign on lane.campaign_id = campaign.campaign_id
inner join ops.occurrence as occurrence
    on lane.campaign_id = occurrence.campaign_id and lane.occurrence_key = occurrence.occurrence_key
cross join lateral (
    select send.due_at
    from ops.send as send
    where
        send.state = 'pending'
        and send.campaign_id = lane.campaign_id
        and send.occurrence_key = lane.occurrence_key
        and send.mailbox = lane.mailbox
        and send.canary = lane.canary
    order by send.due_at
    limit 1
) as first
where
    first.due_at <= %(now)s
    and not campaign.paused
    and (occurrence.canary_wait_seconds is null or occurrence.released_at is not null or lane.canary)
order by campaign.priority desc, first.due_at, lane.campaign_id, lane.mailbox;

-- name: soonest_wait
-- Seconds until a row that is due may be claimed: below zero means now. Null when nothing due is waiting for its time.
select
    extract(
        epoch from min(greatest(
            coalesce(send.not_before, '-infinity'),
            coalesce((control.value ->> 'until')::timestamptz, '-infinity'),
            clock_timestamp() - interval '1 second'
        )) - clock_timestamp()
    )::double precision as seconds
from ops.send as send
inner join ops.campaign as campaign on send.campaign_id = campaign.campaign_id
inner join ops.occurrence as occurrence
    on send.campaign_id = occurrence.campaign_id and send.occurrence_key = occurrence.occurrence_key
left join ops.control as control on control.name = 'provider_pause'
where
    send.state = 'pending'
    and send.due_at <= %(now)s
    and not campaign.paused
    and (occurrence.canary_wait_seconds is null or occurrence.released_at is not null or send.canary)
    and (select control.value from ops.control as control where control.name = 'kill_switch') = 'false'::jsonb
    and not exists (select 1 from ops.control as control where control.name = 'restored')
    and (
        send.policy = 'at_least_once'
        or (select control.value from ops.control as control where control.name = 'marketing_stop') = 'false'::jsonb
    );

-- name: stops
-- What a mail that is about to leave must still ask.
select
    (select control.value from ops.control as control where control.name = 'kill_switch')
    is distinct from 'false'::jsonb
    or exists (select 1 from ops.control as control where control.name = 'restored') as everything,
    (select control.value from ops.control as control where control.name = 'marketing_stop')
    is distinct from 'false'::jsonb as marketing,
    array(select campaign.campaign_id from ops.campaign as campaign where campaign.paused) as campaigns;

-- name: templates
select
    template_version,
    campaign_id,
    language,
    variant,
    subject,
    preheader,
    html,
    body_text,
    coupon,
    coupon_valid_seconds
from ops.template
where template_version = any(%(versions)s);
