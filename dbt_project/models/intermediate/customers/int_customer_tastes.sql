-- Grain: one row a customer who keeps at least one product. The favourite is what most kept pieces are of. What mails
-- print (titles, favourites) is of orders that are the customer's for certain; items_count is of all.
{% set tastes = ['category', 'brand'] %}
with

-- Read several times, and so kept as narrow as can be.
items as (

    select
        items.customer_id,
        items.order_item_id,
        items.title,
        items.category,
        items.brand,
        items.net_quantity,
        items.revenue,
        items.ordered_at,
        certain.order_id is not null as is_certain
    from {{ ref('order_items') }} as items
    left join {{ ref('int_certain_orders') }} as certain on items.order_id = certain.order_id
    where items.customer_id is not null and items.line_kind = 'product' and items.net_quantity > 0

),

{% for taste in tastes %}
    by_{{ taste }} as (

        select
            customer_id,
            {{ taste }},
            sum(net_quantity) as items_count,
            sum(revenue) as revenue
        from items
        where is_certain and {{ taste }} is not null
        group by customer_id, {{ taste }}

    ),

    ranked_{{ taste }} as (

        select
            customer_id,
            (array_agg({{ taste }} order by items_count desc, revenue desc, {{ taste }} asc))[1:3] as favourites,
            max(items_count) as items_count
        from by_{{ taste }}
        group by customer_id

    ),

    favourite_{{ taste }} as (

        select
            *,
            favourites[1] as favourite
        from ranked_{{ taste }}

    ),
{% endfor %}

kept as (

    select
        customer_id,
        sum(net_quantity) as items_count
    from items
    group by customer_id

),

last_bought as (

    select distinct on (customer_id)
        customer_id,
        title as last_product_title
    from items
    where is_certain and title is not null
    order by customer_id asc, ordered_at desc, revenue desc, order_item_id asc

)

select
    kept.customer_id,
    last_bought.last_product_title,
    favourite_category.favourite as favourite_category,
    favourite_category.favourites as favourite_categories,
    favourite_brand.favourite as favourite_brand,
    favourite_brand.favourites as favourite_brands,
    kept.items_count,
    favourite_category.items_count / kept.items_count as favourite_category_share
from kept
left join last_bought on kept.customer_id = last_bought.customer_id
left join favourite_category on kept.customer_id = favourite_category.customer_id
left join favourite_brand on kept.customer_id = favourite_brand.customer_id
