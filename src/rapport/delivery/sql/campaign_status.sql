-- name: stops
select
    control.name,
    control.value
from ops.control as control
where control.value = 'true'
order by control.name;

-- name: campaigns
-- Grain: one row a campaign that was planned or is held. The last occurrence is the one planned last.
select
    coalesce(campaign.campaign_id, held.campaign_id) as campaign_id,
    coalesce(campaign.paused, false) as paused,
    campaign.paused_because,
    held.occurrence_key as held_occurrence,
    held.held_by,
    held.reason as held_reason,
    held.since_at as held_since,
    last.occurrence_key as last_occurrence,
    last.held_because as canary_held_because,
    (last.waterfall ->> 'planned')::integer as last_planned,
    (
        select count(*)
        from ops.send as send
        where
            send.campaign_id = campaign.campaign_id
            and send.occurrence_key = last.occurrence_key
            and send.state in ('planned', 'pending', 'sending', 'unknown')
    ) as last_open
from ops.campaign as campaign
full join ops.campaign_hold as held on campaign.campaign_id = held.campaign_id
left join lateral (
    select occurrence.*
    from ops.occurrence as occurrence
    where occurrence.campaign_id = campaign.campaign_id
    order by occurrence.planned_at desc, occurrence.occurrence_key desc
    limit 1
) as last on true;
