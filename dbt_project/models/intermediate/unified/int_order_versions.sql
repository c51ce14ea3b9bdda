-- Grain: one row an order document of every source, and what its raw rows are now. Test orders are left out. This is
-- read before anything else of an order: what changes in between is newer than its version, so the next build takes it.
select
    'shopify:' || orders.id as order_key,
    {{ row_version('orders') }} as order_version
from {{ source('shopify', 'orders') }} as orders
where coalesce(orders.test, false) is false
union all
select
    'files:' || lines.feed || ':' || lines.order_id as order_key,
    bit_xor({{ row_version('lines') }}) as order_version
from {{ source('files', 'order_lines') }} as lines
group by lines.feed, lines.order_id
