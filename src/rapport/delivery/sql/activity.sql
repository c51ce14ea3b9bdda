-- name: take_unknown
-- As many as the provider's limit still allows in this minute, by all reconcilers together.
with budget as (
    insert into ops.control (name, value, changed_at)
    values (
        'activity',
        jsonb_build_object('minute', date_trunc('minute', clock_timestamp()), 'asked', %(per_minute)s::integer),
        clock_timestamp()
    )
    on conflict (name) do update
    set value = excluded.value, changed_at = excluded.changed_at
    where (control.value ->> 'minute')::timestamptz < (excluded.value ->> 'minute')::timestamptz
    returning 1 as granted
)

select
    send.send_id,
    send.attempt_no
from ops.send as send
where
    exists (select 1 from budget)
    and send.state = 'unknown'
    and send.unknown_since < clock_timestamp() - make_interval(secs => %(seconds)s)
order by random()
limit %(per_minute)s;
