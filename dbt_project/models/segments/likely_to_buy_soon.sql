-- The published score says that an order in the next 30 days is likely.
select customer_id
from {{ ref('customers') }}
where order_probability_30d >= {{ var('high_order_probability') }}
