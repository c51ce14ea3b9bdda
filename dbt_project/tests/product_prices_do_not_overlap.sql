-- On any day a product, sku and currency has one price, and the last of its spans is open.
select
    product_id,
    sku,
    currency_code
from {{ ref('product_prices') }}
group by product_id, sku, currency_code
having
    count(*) <> count(distinct valid_from)
    or count(*) filter (where valid_to is null) <> 1
    or sum(valid_to - valid_from) <> max(valid_from) - min(valid_from)
