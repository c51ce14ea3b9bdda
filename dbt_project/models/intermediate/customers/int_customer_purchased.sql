-- Grain: one row a customer who kept a product of an order that is theirs for certain: the five bought last, as a mail
-- may show them.
with

bought as (

    select distinct on (certain.customer_id, items.product_id)
        certain.customer_id,
        items.product_id,
        items.ordered_at,
        items.title
    from {{ ref('order_items') }} as items
    inner join {{ ref('int_certain_orders') }} as certain on items.order_id = certain.order_id
    where
        items.product_id is not null
        and items.title is not null
        and items.line_kind = 'product'
        and items.net_quantity > 0
    order by certain.customer_id asc, items.product_id asc, items.ordered_at desc, items.order_item_id asc

),

ranked as (

    select
        *,
        row_number() over (partition by customer_id order by ordered_at desc, product_id asc) as newest_rank
    from bought

)

select
    ranked.customer_id,
    jsonb_agg(
        jsonb_build_object(
            'product_id', ranked.product_id,
            'title', ranked.title,
            'ordered_at', to_char(ranked.ordered_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
            'url', coalesce(products.url, shown.url),
            'image_url', coalesce(products.image_url, shown.image_url)
        ) order by ranked.newest_rank
    ) as purchased_products
from ranked
left join {{ ref('products') }} as products on ranked.product_id = products.product_id
left join {{ ref('int_web_products') }} as shown on ranked.product_id = shown.product_id
where ranked.newest_rank <= 5
group by ranked.customer_id
