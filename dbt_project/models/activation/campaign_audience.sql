-- Grain: one row an address that could be written to; each customer at most once, with their preferred address.
-- Whether the person agreed stands in email_consent; suppression is checked at the moment of sending, not here.
-- A mail speaks only of what is certainly the person's: history is counted over certain profiles, and what rests on all
-- of them is null where one is only probable. Segments, which no mail prints, are of all.
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
    case when not one_an_address.has_probable_profiles then one_an_address.rfm_group end as rfm_group,
    coalesce(history.orders_count, 0) as orders_count,
    coalesce(history.revenue, 0)::numeric(18, 4) as revenue,
    history.first_order_at,
    history.last_order_at,
    history.days_since_last_order,
    one_an_address.last_product_title,
    one_an_address.favourite_category,
    one_an_address.favourite_brand,
    one_an_address.replenishment_product_title,
    history.first_order_channel,
    history.currency_code,
    history.average_order_value,
    coalesce(history.orders_count_365d, 0) as orders_count_365d,
    one_an_address.days_until_birthday,
    coalesce(history.open_tickets_count, 0) as open_tickets_count,
    -- What somebody looked at is nobody else's business, so not for an address that strangers read.
    case when one_an_address.is_address_of_one then carts.cart end as cart,
    case when one_an_address.is_address_of_one then viewed.viewed_products end as viewed_products,
    case when one_an_address.is_address_of_one then purchased.purchased_products end as purchased_products,
    case when one_an_address.is_address_of_one then recommended.recommended_products end as recommended_products,
    {% for column in [
        'probability_alive', 'expected_orders_90d', 'expected_revenue_90d', 'churn_risk', 'best_send_hour'
    ] -%}
        case when not one_an_address.has_probable_profiles then one_an_address.{{ column }} end as {{ column }},
    {% endfor -%}
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
left join {{ ref('int_certain_history') }} as history on one_an_address.customer_id = history.customer_id
left join {{ ref('int_customer_purchased') }} as purchased on one_an_address.customer_id = purchased.customer_id
left join {{ ref('int_customer_recommended') }} as recommended
    on one_an_address.customer_id = recommended.customer_id
