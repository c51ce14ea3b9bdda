-- Bought once, and have not come back for a while.
select customer_id
from {{ ref('customers') }}
where rfm_group = 'cooling'
