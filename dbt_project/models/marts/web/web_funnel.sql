-- Grain: one row a month, way in and kind of device: how many sessions came how far. A later step implies the earlier
-- ones: who ordered has checked out, had a cart, and looked at a product.
select
    date_trunc('month', started_on)::date as month,
    source_group,
    device_kind,

    count(*) as sessions_count,
    count(distinct device_id) as devices_count,
    count(*) filter (where product_views_count > 0 or has_cart or has_checkout or has_order) as with_product_view,
    count(*) filter (where has_cart or has_checkout or has_order) as with_cart,
    count(*) filter (where has_checkout or has_order) as with_checkout,
    count(*) filter (where has_order) as with_order
from {{ ref('sessions') }}
group by date_trunc('month', started_on)::date, source_group, device_kind
