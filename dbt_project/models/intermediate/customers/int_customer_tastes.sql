-- Grain: one row a customer who keeps at least one product.
with

items as (

    select * from {{ ref('order_items') }}
    where customer_id is not null and line_kind = 'product' and net_quantity > 0

),

products as (

    select * from {{ ref('products') }}

),

bought as (

    select
        items.customer_id,
        products.category,
        sum(items.net_quantity) as items_count,
        sum(items.revenue) as revenue
    from items
    inner join products on items.product_id = products.product_id
    where products.category is not null
    group by items.customer_id, products.category

),

categories as (

    select distinct on (customer_id)
        customer_id,
        category as favourite_category
    from bought
    order by customer_id asc, items_count desc, revenue desc, category asc

),

last_bought as (

    select distinct on (customer_id)
        customer_id,
        title as last_product_title
    from items
    where title is not null
    order by customer_id asc, ordered_at desc, revenue desc, order_item_id asc

)

select
    last_bought.customer_id,
    last_bought.last_product_title,
    categories.favourite_category
from last_bought
left join categories on last_bought.customer_id = categories.customer_id
