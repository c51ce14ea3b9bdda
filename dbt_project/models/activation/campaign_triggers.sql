-- Grain: one row a thing that happened to a customer and still holds: the only relation that flows read beside the
-- audience. What no longer holds is not here: bought since, sold out, opened again. Only for an address of one person.
{% set triggers = [
    'signed_up', 'cart_abandoned', 'browse_abandoned', 'order_delivered', 'review_request', 'cross_sell',
    'replenishment_due', 'lapsed', 'birthday', 'price_dropped', 'back_in_stock', 'tier_reached', 'points_expiring',
    'ticket_solved'
] %}
with

people as (

    select
        audience.customer_id,
        count(*) over (partition by customers.email) as sharers_count
    from {{ ref('customers') }} as customers
    left join {{ ref('campaign_audience') }} as audience on customers.customer_id = audience.customer_id
    where customers.email is not null

),

triggers as (

    {% for name in triggers %}
        select
            trigger,
            trigger_id,
            customer_id,
            occurred_at,
            expires_at,
            context
        from {{ ref('trigger_' ~ name) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    triggers.trigger,
    triggers.trigger_id,
    triggers.customer_id,
    triggers.occurred_at,
    triggers.expires_at,
    triggers.context,
    {{ as_of() }} as as_of
from triggers
inner join people on triggers.customer_id = people.customer_id
where people.sharers_count = 1
