-- Grain: one row a customer who was seen on the shop's pages: what they did there, in windows that end at as_of.
with

sessions as (

    select
        customer_id,
        {% for days in [30, 90] -%}
            count(*) filter (where {{ within('started_at', days) }}) as sessions_count_{{ days }}d,
            coalesce(sum(product_views_count) filter (where {{ within('started_at', days) }}), 0)::bigint
                as product_views_count_{{ days }}d,
        {% endfor -%}
        coalesce(sum(searches_count) filter (where {{ within('started_at', 30) }}), 0)::bigint as searches_count_30d,
        min(started_at) as first_visit_at,
        max(ended_at) as last_seen_at
    from {{ ref('sessions') }}
    where customer_id is not null
    group by customer_id

),

searched as (

    select distinct on (customer_id)
        customer_id,
        search_query as last_search,
        searched_at as last_search_at
    from {{ ref('searches') }}
    where customer_id is not null and search_query is not null
    order by customer_id asc, searched_at desc, search_id asc

),

categories as (

    select
        customer_id,
        category,
        row_number() over (
            partition by customer_id order by count(*) desc, max(viewed_at) desc, category asc
        ) as category_rank
    from {{ ref('product_views') }}
    where customer_id is not null and category is not null and {{ within('viewed_at', 90) }}
    group by customer_id, category

),

carts as (

    select
        customer_id,
        count(*) filter (where status = 'abandoned' and {{ within('updated_at', 90) }}) as carts_abandoned_count_90d,
        max(updated_at) as last_cart_at
    from {{ ref('carts') }}
    where customer_id is not null
    group by customer_id

)

select
    sessions.*,
    searched.last_search,
    searched.last_search_at,
    categories.category as most_viewed_category,
    coalesce(carts.carts_abandoned_count_90d, 0) as carts_abandoned_count_90d,
    carts.last_cart_at
from sessions
left join searched on sessions.customer_id = searched.customer_id
left join categories on sessions.customer_id = categories.customer_id and categories.category_rank = 1
left join carts on sessions.customer_id = carts.customer_id
