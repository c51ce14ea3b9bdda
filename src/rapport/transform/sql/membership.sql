-- name: lock_history
lock table identity.membership_history in exclusive mode;

-- name: leave
update identity.membership_history as history
set left_at = greatest(%(as_of)s, history.since_at)
where
    history.left_at is null
    and not exists (
        select 1 from segments.current_members as members
        where members.customer_id = history.customer_id and members.segment = history.segment
    );

-- name: enter
-- Who comes back in the moment they left never left.
insert into identity.membership_history (customer_id, segment, since_at)
select
    members.customer_id,
    members.segment,
    greatest(%(as_of)s, max(history.left_at))
from segments.current_members as members
left join identity.membership_history as history
    on members.customer_id = history.customer_id and members.segment = history.segment
group by members.customer_id, members.segment
having count(*) filter (where history.since_at is not null and history.left_at is null) = 0
on conflict (customer_id, segment, since_at) do update set left_at = null;

-- name: count_segments
select
    segment,
    count(*) as customers
from segments.current_members
group by segment
order by segment;
