-- Grain: one row a customer who looked at something that is in stock and that they have not bought since: the five
-- newest of these, as a mail may show them.
with

ranked as (

    select
        *,
        row_number() over (partition by customer_id order by viewed_at desc, product_id asc) as newest_rank
    from {{ ref('int_customer_views') }}
    where is_in_stock

)

select
    customer_id,
    jsonb_agg(
        jsonb_build_object(
            'product_id', product_id,
            'title', title,
            'price', price,
            'currency_code', currency_code,
            'url', url,
            'image_url', image_url,
            'viewed_at', to_char(viewed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        ) order by newest_rank
    ) as viewed_products
from ranked
where newest_rank <= 5
group by customer_id
