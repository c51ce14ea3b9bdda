-- Last order long ago, though not so long that they are lost.
select customer_id
from {{ ref('customers') }}
where rfm_group = 'lapsed'
