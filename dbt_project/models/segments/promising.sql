-- Came back once, and bought lately.
select customer_id
from {{ ref('customers') }}
where rfm_group = 'promising'
