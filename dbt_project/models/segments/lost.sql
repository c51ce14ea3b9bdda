-- Last order so long ago that winning them back costs more than finding others.
select customer_id
from {{ ref('customers') }}
where rfm_group = 'lost'
