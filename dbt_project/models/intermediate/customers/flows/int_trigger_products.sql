-- Grain: one row a product of the catalogue, as a mail may show it.
select
    products.product_id,
    products.currency_code,
    products.price,
    coalesce(products.is_in_stock, true)
    and coalesce(products.status not in ('archived', 'draft', 'inactive'), true) as is_available,
    jsonb_build_object(
        'product_id', products.product_id,
        'title', products.title,
        'category', products.category,
        'price', products.price,
        'currency_code', products.currency_code,
        -- What the store itself says goes before what its pages were seen to show.
        'url', coalesce(products.url, shown.url),
        'image_url', coalesce(products.image_url, shown.image_url)
    ) as product
from {{ ref('products') }} as products
left join {{ ref('int_web_products') }} as shown on products.product_id = shown.product_id
where products.is_in_catalogue and products.title is not null
