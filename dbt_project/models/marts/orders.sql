-- Grain: one row an order document of any source. revenue is the net amount of its product lines:
-- ordered_amount - cancelled_amount - returned_amount. reporting_* are the same in the shop's reporting currency.
{% set amounts = ['net', 'ordered', 'cancelled', 'returned'] %}
with

orders as (

    select * from {{ ref('int_orders') }}

),

rates as (

    select * from {{ ref('int_exchange_rates') }}

),

channel_groups as (

    select * from {{ ref('channel_groups') }}

),

rated as (

    select
        orders.*,
        {{ reporting_rate('orders.currency_code') }} as exchange_rate
    from orders
    left join rates
        on orders.currency_code = rates.currency_code and {{ shop_day('orders.ordered_at') }} = rates.rate_on

),

members as (

    select * from {{ source('identity', 'members') }}

),

lines as (

    select * from {{ ref('int_order_amounts') }}

),

joined as (

    select
        rated.order_key as order_id,
        members.customer_id,

        rated.source,
        rated.order_name,
        rated.order_kind,
        rated.channel,
        channel_groups.channel_group,
        rated.country_code,
        rated.currency_code,
        rated.financial_status,
        rated.utm_source,
        rated.utm_campaign,

        coalesce(lines.net_amount, 0)::numeric(18, 4) as revenue,
        coalesce(lines.gross_amount, 0)::numeric(18, 4) as gross_amount,
        coalesce(lines.discount_amount, 0)::numeric(18, 4) as discount_amount,
        coalesce(lines.ordered_amount, 0)::numeric(18, 4) as ordered_amount,
        coalesce(lines.cancelled_amount, 0)::numeric(18, 4) as cancelled_amount,
        coalesce(lines.returned_amount, 0)::numeric(18, 4) as returned_amount,
        rated.refunded_amount::numeric(18, 4) as refunded_amount,
        coalesce(rated.shipping_amount, lines.postage_amount, 0)::numeric(18, 4) as shipping_amount,
        rated.tax_amount::numeric(18, 4) as tax_amount,
        coalesce(lines.other_amount, 0)::numeric(18, 4) as other_amount,
        coalesce(lines.items_count, 0)::numeric(18, 4) as items_count,
        coalesce(lines.returned_items_count, 0)::numeric(18, 4) as returned_items_count,
        coalesce(lines.lines_count, 0) as lines_count,

        '{{ var("reporting_currency") }}'::text as reporting_currency,
        rated.exchange_rate,
        {% for amount in amounts -%}
            case when rated.exchange_rate is not null then coalesce(lines.reporting_{{ amount }}_amount, 0) end
            ::numeric(18, 4) as reporting_{{ 'revenue' if amount == 'net' else amount ~ '_amount' }},
        {% endfor -%}
        (rated.refunded_amount * rated.exchange_rate)::numeric(18, 4) as reporting_refunded_amount,
        case when lines.order_key is null then 0 else lines.reporting_margin end::numeric(18, 4) as reporting_margin,

        rated.counts_as_order,
        rated.cancelled_at is not null as is_cancelled,
        coalesce(lines.returned_amount, 0) <> 0 as has_returns,
        coalesce(rated.refunded_amount, 0) > 0 as is_refunded,
        coalesce(lines.discount_amount, 0) > 0 as has_discount,

        rated.ordered_at,
        rated.cancelled_at

    from rated
    left join lines on rated.order_key = lines.order_key
    left join members on rated.profile_key = members.profile_key
    left join channel_groups on lower(rated.channel) = channel_groups.channel

)

select * from joined
