-- name: hold
insert into ops.campaign_hold (campaign_id, occurrence_key, held_by, reason, since_at)
values (%(campaign_id)s, %(occurrence_key)s, %(held_by)s, %(reason)s, %(now)s)
on conflict (campaign_id) do update
set
    occurrence_key = excluded.occurrence_key,
    held_by = excluded.held_by,
    reason = excluded.reason,
    since_at = case
        when campaign_hold.held_by = excluded.held_by then campaign_hold.since_at
        else excluded.since_at
    end;

-- name: unhold
delete from ops.campaign_hold
where campaign_id = %(campaign_id)s;
