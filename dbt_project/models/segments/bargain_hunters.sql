-- Two thirds of their orders, three at least, were bought with a discount.
select customer_id
from {{ ref('customers') }}
where orders_count >= 3 and discounted_orders_share >= 0.66
