-- Grain: one row an order whose buyer is the customer for certain: a mail may speak of it.
select
    orders.order_key as order_id,
    members.customer_id
from {{ ref('int_orders') }} as orders
inner join {{ source('identity', 'members') }} as members on orders.profile_key = members.profile_key
where members.confidence = 'certain'
