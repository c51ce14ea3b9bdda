-- name: insert_recipients
-- An address that was removed comes back when its owner does, unless the person was erased.
with given as (
    select distinct
        line.recipient_key,
        line.address
    from jsonb_to_recordset(%(rows)s) as line (recipient_key text, address text)
),

back as (
    update ops.recipient
    set address = given.address
    from given
    where
        recipient.recipient_key = given.recipient_key
        and recipient.address is null
        and not exists (
            select 1
            from ops.suppression as stop
            where stop.recipient_key = given.recipient_key and stop.reason = 'erasure'
        )
)

insert into ops.recipient (recipient_key, address, created_at)
select
    given.recipient_key,
    given.address,
    %(now)s
from given
on conflict (recipient_key) do nothing;
