-- name: by_code
select
    c.id,
    c.discount_id,
    d.doc
from shopify_discount_codes as c
inner join shopify_discounts as d on c.discount_id = d.id
where c.code = :code

-- name: discount
select doc from shopify_discounts where id = :id

-- name: add_discount
insert into shopify_discounts (id, doc)
values ((select coalesce(max(id), 1100000000) + 1 from shopify_discounts), :doc)
returning id

-- name: add_code
insert into shopify_discount_codes (code, discount_id) values (:code, :discount_id)
on conflict do nothing
returning id

-- name: add_creation
insert into shopify_code_creations (doc) values (:doc)
returning id

-- name: poll
update shopify_code_creations set polls = polls + 1 where id = :id
returning doc, polls

-- name: unused_code
select d.doc
from shopify_discount_codes as c
inner join shopify_discounts as d on c.discount_id = d.id
where c.code = :code and not exists (select 1 from shopify_redemptions as r where r.code = c.code)

-- name: redeem
insert into shopify_redemptions (code, order_id, discount) values (:code, :order_id, :discount)

-- name: redemptions
select code, discount from shopify_redemptions order by order_id
