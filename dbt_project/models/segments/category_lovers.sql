-- Kept five pieces or more, and most of them of one category.
select customer_id
from {{ ref('customers') }}
where items_count >= 5 and favourite_category_share >= 0.6
