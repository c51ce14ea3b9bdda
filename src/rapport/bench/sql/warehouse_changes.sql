-- name: web_events
-- Visits of eight events: four pages, two products, a search or a cart, a log-in in one of three.
insert into raw_web.events (
    message_id, type, name, device_id, user_id, properties, page, campaign, channel, device_kind, is_bot, has_consent,
    occurred_at, received_at
)
select
    'w' || n,
    case when step in (0, 1, 3, 5) then 'page' else 'track' end,
    case step
        when 2 then 'Product Viewed' when 4 then 'Product Viewed'
        when 6 then case when visit %% 3 = 0 then 'Product Added' else 'Products Searched' end
        when 7 then case when visit %% 9 = 0 then 'Checkout Started' else 'Product Viewed' end
        else 'page'
    end,
    'd' || who,
    case when visit %% 3 = 0 and who <= %(customers)s then 'gid://shopify/Customer/' || who end,
    case
        when step in (0, 1, 3, 5) then '{}'
        when step = 6 and visit %% 3 <> 0 then jsonb_build_object('query', 'product ' || n %% 500, 'results_count', n %% 30)
        else jsonb_build_object(
            'product_id', (1 + (visit * 31 + step * 7) %% 2000)::text, 'price', 10, 'quantity', 1, 'currency', 'GBP',
            'cart_id', 'cart' || visit, 'url', 'https://shop.example/p/' || 1 + (visit * 31 + step * 7) %% 2000
        )
    end,
    jsonb_build_object('path', '/page/' || n %% 200, 'url', 'https://shop.example/page/' || n %% 200),
    case when visit %% 11 = 0 then '{"source": "newsletter", "medium": "email", "name": "campaign_1"}'::jsonb else '{}' end,
    'web',
    (array['desktop', 'mobile', 'mobile'])[1 + visit %% 3],
    visit %% 40 = 1,
    true,
    at + step * interval '40 seconds',
    at + step * interval '40 seconds'
from (
    select
        visit,
        1 + floor(1.2 * %(customers)s * random() ^ 2)::integer as who,
        %(until)s::timestamptz - interval '10 minutes' - random() ^ 2 * make_interval(days => %(days)s) as at
    from generate_series(%(first)s::integer / 8, %(last)s::integer / 8) as visit
) as visits
cross join lateral (select step, visit * 8 + step as n from generate_series(0, 7) as step) as steps
where n between %(first)s and %(last)s;

-- name: change_customers
update raw_shopify.customers as customers
set city = 'Moved', updated_at = %(as_of)s, _dlt_load_id = %(load)s
where id in (
    select 'gid://shopify/Customer/' || 1 + floor(%(customers)s * random())::integer
    from generate_series(1, %(count)s)
);

-- name: change_orders
-- What comes late: pieces sent back, weeks after.
update raw_shopify.orders as orders
set
    line_items = jsonb_set(line_items, '{0,current_quantity}', '0'),
    updated_at = %(as_of)s,
    _dlt_load_id = %(load)s
where id in (
    select 'gid://shopify/Order/' || 1 + floor(%(orders)s * random())::integer
    from generate_series(1, %(count)s)
);
