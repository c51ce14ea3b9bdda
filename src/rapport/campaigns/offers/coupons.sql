-- name: add_codes
-- Answers the codes that were there before, with the pool that has them.
with given as (
    select
        row.code,
        row.ends_at
    from jsonb_to_recordset(%(rows)s) as row (code text, ends_at timestamptz)
),

added as (
    insert into ops.coupon_code (code, coupon, ends_at, origin, added_at)
    select
        given.code,
        %(coupon)s,
        given.ends_at,
        %(origin)s,
        %(now)s
    from given
    on conflict do nothing
    returning code
)

select
    given.code,
    coalesce(held.coupon, %(coupon)s) as coupon
from given
left join ops.coupon_code as held on upper(given.code) = upper(held.code)
where not exists (select 1 from added where added.code = given.code);

-- name: pools
select
    coupon,
    count(*) filter (where send_id is null and (ends_at is null or ends_at > %(now)s)) as free,
    count(*) filter (where send_id is null and ends_at <= %(now)s) as ended,
    count(*) filter (where send_id is not null) as sent,
    max(added_at) as newest_at
from ops.coupon_code
group by coupon
order by coupon;

-- name: bound
-- A code is money: its end is enough to find it again.
select
    '…' || right(code.code, 4) as code,
    send.campaign_id,
    send.occurrence_key,
    send.customer_id,
    send.state,
    code.bound_at,
    code.expires_at
from ops.coupon_code as code
left join ops.send as send on code.send_id = send.send_id
where code.coupon = %(coupon)s and code.send_id is not null
order by code.bound_at desc, code.code
limit %(most)s;

-- name: free
select count(*) as free
from ops.coupon_code
where
    coupon = %(coupon)s
    and send_id is null
    and (ends_at is null or ends_at >= %(now)s + make_interval(secs => %(valid_seconds)s))
    and added_at > coalesce((select max(adoption.adopted_at) from ops.adoption as adoption), '-infinity');

-- name: published
select to_regclass('marts.coupons') is not null as there;

-- name: redeemed
select
    count(*) as sent,
    count(*) filter (where is_redeemed) as redeemed,
    max(redeemed_at) as newest_at
from marts.coupons
where pool = %(coupon)s;
