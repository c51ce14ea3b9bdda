-- name: make_stops
-- When a switch was surely on, for the checker; times are those after its commit and before its lifting.
create table chaos_stop (campaign_id text not null, begun_at timestamptz not null, ended_at timestamptz);

-- name: stop_begun
insert into chaos_stop (campaign_id, begun_at) values (%(campaign_id)s, clock_timestamp());

-- name: stop_ended
update chaos_stop set ended_at = clock_timestamp()
where campaign_id = %(campaign_id)s and ended_at is null;

-- name: pause
update ops.campaign set paused = %(on)s where campaign_id = %(campaign_id)s;

-- name: kill_switch
update ops.control set value = to_jsonb(%(on)s::boolean) where name = 'kill_switch';

-- name: progress
select
    count(*) as planned,
    count(*) filter (where state in ('planned', 'pending', 'sending', 'unknown')) as unsettled,
    count(*) filter (where state = 'unknown' and policy = 'at_least_once') as doubtful,
    count(*) filter (where state in (
        'planned', 'pending', 'sending', 'unknown', 'accepted', 'failed', 'suppressed', 'expired', 'cancelled',
        'quarantined'
    )) as in_a_state,
    (select count(*) from ops.webhook_inbox where processed_at is null) as unread
from ops.send;

-- name: attempts
select
    count(*) as attempts,
    count(*) filter (where detail = 'its worker ended without a result') as orphaned
from ops.send_attempt;
