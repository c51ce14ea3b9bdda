-- Twenty-four customers and what they bought.
set local role loader;

insert into raw_shopify.customers (
    id, first_name, last_name, email, email_marketing_state, email_consent_updated_at, created_at, updated_at
)
select
    'gid://shopify/Customer/' || n, 'Name' || n, 'Family' || n, 'c' || n || '@example.com', 'SUBSCRIBED', '2026-01-01',
    '2026-01-01', '2026-01-01'
from generate_series(1, 24) as n;

insert into raw_shopify.orders (
    id, name, customer_id, email, created_at, updated_at, test, currency_code, source_name, shipping_amount, line_items
)
select
    'gid://shopify/Order/' || id, '#' || id, 'gid://shopify/Customer/' || n, 'c' || n || '@example.com',
    at::timestamptz, at::timestamptz, false,
    'GBP', 'web', 0,
    jsonb_build_array(jsonb_build_object(
        'id', 'gid://L/' || id, 'title', 'Mug', 'quantity', 1, 'current_quantity', 1, 'unit_price_amount', amount,
        'discount_amount', 0
    ))
from (values
    (1, 1, '2026-05-03 10:00+00', '10.00'),
    (2, 2, '2026-05-02 10:00+00', '30.00'),
    -- After the two weeks that count.
    (3, 3, '2026-05-21 10:00+00', '70.00'),
    (4, 9, '2026-05-04 10:00+00', '20.00'),
    (5, 9, '2026-05-04 11:00+00', '20.00'),
    (6, 17, '2026-05-02 10:00+00', '50.00'),
    (7, 19, '2026-05-05 10:00+00', '12.00'),
    -- Before the plan.
    (8, 20, '2026-04-30 10:00+00', '40.00'),
    (9, 2, '2026-03-01 10:00+00', '15.00')
) as orders (id, n, at, amount);
