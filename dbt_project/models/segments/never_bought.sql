-- Known to the shop, without an order that counts.
select customer_id
from {{ ref('customers') }}
where orders_count = 0
