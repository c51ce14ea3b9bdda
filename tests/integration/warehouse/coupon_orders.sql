-- What orders named at the till, and what one of them had off.
update raw_shopify.orders set discount_codes = given.codes::jsonb
from (values
    -- Typed as people type.
    (1, '["spring-001 "]'),
    (2, '["SPRING-FREE"]'),
    -- Used twice, and with another code.
    (4, '["WELCOME", "SPRING-009"]'),
    (5, '["SPRING-009"]'),
    -- Passed on to somebody else.
    (6, '["SPRING-003"]'),
    (9, '[]')
) as given (id, codes)
where orders.id = 'gid://shopify/Order/' || given.id;

update raw_shopify.orders
set line_items = jsonb_build_array(line_items -> 0 || '{"unit_price_amount": "12.00", "discount_amount": "2.00"}')
where id = 'gid://shopify/Order/1';
