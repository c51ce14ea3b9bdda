-- Buy often, spend much, and bought lately.
select customer_id
from {{ ref('customers') }}
where rfm_group = 'champions'
