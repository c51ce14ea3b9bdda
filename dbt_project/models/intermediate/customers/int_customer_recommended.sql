-- Grain: one row a customer with something to recommend that can be delivered: the five best, as a mail may show them.
-- A recommendation rests on all orders of the customer, so where some only probably are theirs there is none.
with

mixed as (

    select distinct customer_id
    from {{ source('identity', 'members') }}
    where confidence = 'probable'

),

ranked as (

    select
        scores.customer_id,
        products.product - 'category' as product,
        row_number() over (partition by scores.customer_id order by scores.rank) as place
    from {{ source('scores', 'recommendations') }} as scores
    inner join {{ ref('int_trigger_products') }} as products on scores.product_id = products.product_id
    left join mixed on scores.customer_id = mixed.customer_id
    where
        products.is_available
        and mixed.customer_id is null
        and {{ within('scores.as_of', var('score_days')) }}

)

select
    customer_id,
    jsonb_agg(product order by place) as recommended_products
from ranked
where place <= 5
group by customer_id
