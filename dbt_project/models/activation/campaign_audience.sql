-- Grain: one row an address that could be written to; each customer at most once, with their preferred address.
-- Whether the person agreed stands in email_consent; suppression is checked at the moment of sending, not here.
with

customers as (

    select * from {{ ref('customers') }}
    where email is not null

),

segments as (

    select
        customer_id,
        array_agg(segment order by segment) as segments
    from {{ ref('current_members') }}
    group by customer_id

),

-- Strangers can share an address (a company's office): one mail goes to it, to the one who bought last.
one_an_address as (

    select distinct on (email)
        *,
        count(*) over (partition by email) = 1 as is_address_of_one
    from customers
    order by email asc, last_order_at desc nulls last, orders_count desc, customer_id asc

)

select
    one_an_address.customer_id,
    one_an_address.email,
    one_an_address.first_name,
    one_an_address.last_name,
    one_an_address.locale,
    one_an_address.language,
    one_an_address.country_code,
    one_an_address.time_zone,
    one_an_address.time_zone_source,
    coalesce(segments.segments, array[]::text[]) as segments,
    one_an_address.rfm_group,
    one_an_address.orders_count,
    one_an_address.revenue,
    one_an_address.first_order_at,
    one_an_address.last_order_at,
    one_an_address.days_since_last_order,
    one_an_address.last_product_title,
    one_an_address.favourite_category,
    one_an_address.favourite_brand,
    one_an_address.replenishment_product_title,
    one_an_address.first_order_channel,
    one_an_address.currency_code,
    one_an_address.average_order_value,
    one_an_address.orders_count_365d,
    one_an_address.days_until_birthday,
    one_an_address.open_tickets_count,
    -- What somebody looked at is nobody else's business, so not for an address that strangers read.
    case when one_an_address.is_address_of_one then carts.cart end as cart,
    case when one_an_address.is_address_of_one then viewed.viewed_products end as viewed_products,
    one_an_address.last_seen_at,
    one_an_address.loyalty_tier,
    one_an_address.loyalty_points,
    one_an_address.loyalty_points_expiring,
    one_an_address.loyalty_points_expire_on,
    one_an_address.email_consent,
    one_an_address.email_consent_at,
    one_an_address.as_of
from one_an_address
left join segments on one_an_address.customer_id = segments.customer_id
left join {{ ref('int_customer_cart') }} as carts on one_an_address.customer_id = carts.customer_id
left join {{ ref('int_customer_viewed') }} as viewed on one_an_address.customer_id = viewed.customer_id
