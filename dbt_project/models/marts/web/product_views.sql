-- Grain: one row a look at a product's page. Title and category are the catalogue's; product_id is null for what it
-- does not know.
select
    events.event_id as product_view_id,
    events.session_id,
    sessions.customer_id,
    events.product_id,

    products.title,
    products.category,
    products.brand,

    events.occurred_at as viewed_at
from {{ ref('int_web_events') }} as events
inner join {{ ref('sessions') }} as sessions on events.session_id = sessions.session_id
left join {{ ref('products') }} as products on events.product_id = products.product_id
where events.kind = 'product_view'
