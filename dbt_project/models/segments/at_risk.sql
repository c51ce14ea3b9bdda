-- Came back before, and have now been away longer than usual.
select customer_id
from {{ ref('customers') }}
where rfm_group = 'at_risk'
