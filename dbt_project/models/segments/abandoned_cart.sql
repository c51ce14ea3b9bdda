-- Left things in a cart between cart_abandoned_hours and seven days ago, and have bought nothing since.
select distinct customer_id
from {{ ref('carts') }}
where customer_id is not null and status = 'abandoned' and {{ within('updated_at', 7) }}
