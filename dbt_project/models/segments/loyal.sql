-- Three orders or more, the last one lately.
select customer_id
from {{ ref('customers') }}
where rfm_group = 'loyal'
