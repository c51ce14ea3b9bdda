-- name: begin
-- The pool's unfinished creation when there is one, whoever began it.
insert into ops.coupon_creation (coupon, terms, codes, created_at)
values (%(coupon)s, %(terms)s, %(codes)s, %(now)s)
on conflict (coupon) do update set coupon = excluded.coupon
returning terms, codes, created_at;

-- name: unfinished
select
    terms,
    created_at
from ops.coupon_creation
where coupon = %(coupon)s;

-- name: outstanding
-- In their order, which lets a run that continues make the same batches.
select drawn.code
from ops.coupon_creation as creation
cross join lateral unnest(creation.codes) with ordinality as drawn (code, place)
where
    creation.coupon = %(coupon)s
    and not exists (select 1 from ops.coupon_code as held where upper(held.code) = upper(drawn.code))
order by drawn.place;

-- name: end
delete from ops.coupon_creation where coupon = %(coupon)s;
