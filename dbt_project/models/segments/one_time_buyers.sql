-- One order only, and that some time ago.
select customer_id
from {{ ref('customers') }}
where orders_count = 1 and days_since_last_order > {{ var('recent_days') }}
