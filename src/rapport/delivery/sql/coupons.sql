-- name: bind
-- One code a send, and the one it has when it has one: a second try or a crash gives no second. Codes that another worker
-- holds at this moment are passed over. Codes of before a restored database was adopted may have been handed out by the
-- ledger that was lost, so they are not.
with wanted as (
    select
        send.send_id,
        template.coupon,
        template.coupon_valid_seconds as valid_seconds,
        own.code,
        own.expires_at
    from ops.send as send
    inner join ops.template as template on send.template_version = template.template_version
    left join ops.coupon_code as own on send.send_id = own.send_id
    where send.send_id = any(%(send_ids)s) and template.coupon != ''
),

needy as (
    select
        wanted.send_id,
        wanted.coupon,
        wanted.valid_seconds,
        row_number() over (partition by wanted.coupon order by wanted.send_id) as place
    from wanted
    where wanted.code is null
),

demand as (
    select
        needy.coupon,
        count(*) as codes,
        max(needy.valid_seconds) as valid_seconds
    from needy
    group by needy.coupon
),

picked as materialized (
    select code.*
    from demand
    cross join lateral (
        select
            free.coupon,
            free.code
        from ops.coupon_code as free
        where
            free.coupon = demand.coupon
            and free.send_id is null
            and (free.ends_at is null or free.ends_at >= %(now)s + make_interval(secs => demand.valid_seconds))
            and free.added_at > coalesce((select max(adoption.adopted_at) from ops.adoption as adoption), '-infinity')
        order by free.added_at, free.code
        limit demand.codes
        for update of free skip locked
    ) as code
),

numbered as (
    select
        picked.coupon,
        picked.code,
        row_number() over (partition by picked.coupon order by picked.code) as place
    from picked
),

bound as (
    update ops.coupon_code
    set
        send_id = needy.send_id,
        bound_at = %(now)s,
        expires_at = %(now)s + make_interval(secs => needy.valid_seconds)
    from needy
    inner join numbered on needy.coupon = numbered.coupon and needy.place = numbered.place
    where coupon_code.code = numbered.code
    returning coupon_code.send_id, coupon_code.code, coupon_code.expires_at
)

select
    wanted.send_id,
    coalesce(bound.code, wanted.code) as code,
    coalesce(bound.expires_at, wanted.expires_at) as expires_at
from wanted
left join bound on wanted.send_id = bound.send_id;
