-- First order lately, none since.
select customer_id
from {{ ref('customers') }}
where rfm_group = 'new'
