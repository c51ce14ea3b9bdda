-- name: accounts
select a.person_id, c.doc
from shopify_customers as c
inner join accounts as a on a.system = 'shopify' and a.account_id = cast(c.id as text)
where c.doc like '%"loyalty:%'
order by c.id;

-- name: orders
select person_id, created_at, doc
from shopify_orders
where created_at > :since and created_at <= :until and json_extract(doc, '$.cancelledAt') is null
order by created_at, id;
