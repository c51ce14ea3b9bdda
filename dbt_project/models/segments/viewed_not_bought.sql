-- Looked twice or more within two weeks at something that is in stock, and have not bought it since.
select distinct customer_id
from {{ ref('int_customer_views') }}
where views_count_14d >= 2 and is_in_stock
