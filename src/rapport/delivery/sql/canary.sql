-- name: held
-- Grain: an occurrence whose rest waits for its canary wave. Seconds are real ones, of the database's clock.
select
    occurrence.campaign_id,
    occurrence.occurrence_key,
    occurrence.canary_wait_seconds,
    campaign.paused,
    campaign.paused_because,
    campaign.policy = 'at_most_once'
    and (select control.value from ops.control as control where control.name = 'marketing_stop')
    is distinct from 'false'::jsonb as stopped,
    wave.*
from ops.occurrence as occurrence
inner join ops.campaign as campaign on occurrence.campaign_id = campaign.campaign_id
cross join lateral (
    select
        count(*) filter (where send.state = 'pending' and send.due_at <= %(now)s) as waiting,
        count(*) filter (where send.state in ('sending', 'unknown')) as doubtful,
        count(*) filter (where send.state = 'accepted') as accepted,
        count(*) filter (where send.state in ('failed', 'quarantined')) as lost,
        count(*) filter (
            where send.state = 'accepted' and send.engagement not in ('none', 'dropped')
        ) as told,
        extract(epoch from clock_timestamp() - max(coalesce(attempt.finished_at, attempt.intent_at)) filter (
            where send.state = 'accepted'
        ))::double precision as quiet_seconds
    from ops.send as send
    left join ops.send_attempt as attempt on send.send_id = attempt.send_id and send.attempt_no = attempt.attempt_no
    where
        send.campaign_id = occurrence.campaign_id
        and send.occurrence_key = occurrence.occurrence_key
        and send.canary
) as wave
where
    occurrence.canary_wait_seconds is not null
    and occurrence.released_at is null
    and exists (
        select 1
        from ops.send as rest
        where
            rest.campaign_id = occurrence.campaign_id
            and rest.occurrence_key = occurrence.occurrence_key
            and rest.state = 'pending'
            and not rest.canary
    )
order by occurrence.campaign_id, occurrence.occurrence_key;

-- name: release
-- Asked once more in the statement that decides: what stops a campaign may have been committed meanwhile.
update ops.occurrence
set released_at = %(now)s, held_because = null
from ops.campaign as campaign
where
    campaign.campaign_id = occurrence.campaign_id
    and occurrence.campaign_id = %(campaign_id)s
    and occurrence.occurrence_key = %(occurrence_key)s
    and occurrence.released_at is null
    and not campaign.paused
returning occurrence.occurrence_key;

-- name: hold
update ops.occurrence
set held_because = %(because)s
where
    campaign_id = %(campaign_id)s
    and occurrence_key = %(occurrence_key)s
    and released_at is null
    and held_because is distinct from %(because)s;
