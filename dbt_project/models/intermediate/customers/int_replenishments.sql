-- Grain: one row a customer and product that the customer bought on three days or more and kept: when the next purchase
-- is due, the median of the customer's own intervals after the last one. Only of orders that are theirs for certain.
with

items as (

    select
        items.customer_id,
        items.product_id,
        items.ordered_at
    from {{ ref('order_items') }} as items
    inner join {{ ref('int_certain_orders') }} as certain on items.order_id = certain.order_id
    where items.product_id is not null and items.line_kind = 'product' and items.net_quantity > 0

),

products as (

    select * from {{ ref('products') }}

),

-- Most things are bought once: leaving them out first spares sorting them.
frequent as (

    select
        customer_id,
        product_id
    from items
    group by customer_id, product_id
    having count(*) >= 3

),

days as (

    select distinct
        items.customer_id,
        items.product_id,
        {{ shop_day('items.ordered_at') }} as bought_on
    from items
    inner join frequent on items.customer_id = frequent.customer_id and items.product_id = frequent.product_id

),

spaced as (

    select
        *,
        bought_on - lag(bought_on) over (partition by customer_id, product_id order by bought_on) as interval_days
    from days

),

measured as (

    select
        customer_id,
        product_id,
        count(*) as purchases_count,
        max(bought_on) as last_bought_on,
        round(percentile_cont(0.5) within group (order by interval_days))::integer as interval_days
    from spaced
    group by customer_id, product_id
    having count(*) >= 3

),

joined as (

    select
        measured.customer_id,
        measured.product_id,
        products.title,
        measured.purchases_count,
        measured.interval_days,
        measured.last_bought_on,
        measured.last_bought_on + measured.interval_days as due_on,
        -- What the shop cannot deliver is due to nobody.
        coalesce(products.status not in ('archived', 'draft', 'inactive'), true)
        and coalesce(products.is_in_stock, true) as is_available
    from measured
    inner join products on measured.product_id = products.product_id

)

select
    *,
    is_available
    and row_number() over (partition by customer_id, is_available order by due_on, product_id) = 1 as is_next
from joined
