-- Grain: one row a code that was handed out, by the mail it went with. A code is money: only its end is shown.
-- Stores do not tell upper case from lower case, and people type as they like.
with

codes as (

    select * from {{ ref('stg_ops__coupon_codes') }}
    where send_id is not null

),

sends as (

    select * from {{ ref('stg_ops__sends') }}

),

customer_ids as (

    select * from {{ source('identity', 'customer_ids') }}

),

orders as (

    select * from {{ ref('orders') }}

),

given as (

    select distinct
        int_orders.order_key as order_id,
        upper(trim(typed.code)) as code
    from {{ ref('int_orders') }} as int_orders
    cross join lateral jsonb_array_elements_text(int_orders.discount_codes) as typed (code)
    where jsonb_typeof(int_orders.discount_codes) = 'array'

),

redeemed as (

    select
        given.code,
        orders.order_id,
        orders.customer_id,
        orders.currency_code,
        orders.discount_amount,
        orders.revenue,
        orders.ordered_at,
        count(*) over (partition by given.code) as orders_count,
        row_number() over (partition by given.code order by orders.ordered_at, orders.order_id) as place
    from given
    inner join orders on given.order_id = orders.order_id

),

joined as (

    select
        codes.send_id,
        sends.campaign_id,
        sends.occurrence_key,
        coalesce(customer_ids.merged_into, sends.planned_customer_id) as customer_id,
        redeemed.order_id as redeemed_order_id,
        redeemed.customer_id as redeemed_by_customer_id,

        codes.coupon as pool,
        '…' || right(codes.code, 3) as masked_code,
        redeemed.currency_code,

        redeemed.discount_amount,
        redeemed.revenue,
        coalesce(redeemed.orders_count, 0) as orders_count,

        redeemed.order_id is not null as is_redeemed,

        codes.bound_at,
        codes.expires_at,
        redeemed.ordered_at as redeemed_at

    from codes
    left join sends on codes.send_id = sends.send_id
    left join customer_ids on sends.planned_customer_id = customer_ids.customer_id
    left join redeemed on upper(codes.code) = redeemed.code and redeemed.place = 1

)

select * from joined
