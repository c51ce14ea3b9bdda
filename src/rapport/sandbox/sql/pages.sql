-- Pages for the servers. Every one is bounded by :now, the world's present.

-- name: customers_by_updated_at
select id, updated_at as value, doc
from shopify_customers
where (updated_at, id) > (:value, :id) and updated_at <= :now and updated_at >= :updated_min and updated_at <= :updated_max
    and created_at >= :created_min and created_at <= :created_max
order by updated_at, id
limit :limit

-- name: customers_by_created_at
select id, created_at as value, doc
from shopify_customers
where (created_at, id) > (:value, :id) and updated_at <= :now and updated_at >= :updated_min and updated_at <= :updated_max
    and created_at >= :created_min and created_at <= :created_max
order by created_at, id
limit :limit

-- name: customers_by_id
select id, id as value, doc
from shopify_customers
where id > :id and updated_at <= :now and updated_at >= :updated_min and updated_at <= :updated_max
    and created_at >= :created_min and created_at <= :created_max
order by id
limit :limit

-- name: orders_by_updated_at
select id, updated_at as value, doc
from shopify_orders
where (updated_at, id) > (:value, :id) and updated_at <= :now and updated_at >= :updated_min and updated_at <= :updated_max
    and created_at >= :created_min and created_at <= :created_max
order by updated_at, id
limit :limit

-- name: orders_by_created_at
select id, created_at as value, doc
from shopify_orders
where (created_at, id) > (:value, :id) and updated_at <= :now and updated_at >= :updated_min and updated_at <= :updated_max
    and created_at >= :created_min and created_at <= :created_max
order by created_at, id
limit :limit

-- name: orders_by_id
select id, id as value, doc
from shopify_orders
where id > :id and updated_at <= :now and updated_at >= :updated_min and updated_at <= :updated_max
    and created_at >= :created_min and created_at <= :created_max
order by id
limit :limit

-- name: products_by_updated_at
select id, updated_at as value, doc
from shopify_products
where (updated_at, id) > (:value, :id) and updated_at <= :now and updated_at >= :updated_min and updated_at <= :updated_max
    and created_at >= :created_min and created_at <= :created_max
order by updated_at, id
limit :limit

-- name: products_by_created_at
select id, created_at as value, doc
from shopify_products
where (created_at, id) > (:value, :id) and updated_at <= :now and updated_at >= :updated_min and updated_at <= :updated_max
    and created_at >= :created_min and created_at <= :created_max
order by created_at, id
limit :limit

-- name: products_by_id
select id, id as value, doc
from shopify_products
where id > :id and updated_at <= :now and updated_at >= :updated_min and updated_at <= :updated_max
    and created_at >= :created_min and created_at <= :created_max
order by id
limit :limit

-- name: one_customer
select doc from shopify_customers where id = :id and updated_at <= :now

-- name: one_order
select doc from shopify_orders where id = :id and updated_at <= :now

-- name: one_product
select doc from shopify_products where id = :id and updated_at <= :now

-- name: tickets_since
select id, updated_at, doc
from zendesk_tickets
where (updated_at, id) > (:value, :id) and updated_at <= :until
order by updated_at, id
limit :limit

-- name: users_since
select id, updated_at, doc
from zendesk_users
where (updated_at, id) > (:value, :id) and updated_at <= :until
order by updated_at, id
limit :limit

-- name: notifications_before
select id, updated_at, doc
from bluesky_interactions
where kind != 'post' and (updated_at, id) < (:value, :id) and updated_at <= :now
order by updated_at desc, id desc
limit :limit

-- name: posts_before
select id, updated_at, doc
from bluesky_interactions
where kind = 'post' and author_did = :author and (updated_at, id) < (:value, :id) and updated_at <= :now
order by updated_at desc, id desc
limit :limit

-- name: one_interaction
select doc from bluesky_interactions where id = :id and updated_at <= :now

-- name: replies_to
select doc
from bluesky_interactions
where kind = 'reply' and json_extract(doc, '$.reasonSubject') = :id and updated_at <= :now
order by updated_at, id
limit 100

-- name: one_profile
select doc from bluesky_profiles where (id = :actor or handle = :actor) and updated_at <= :now
