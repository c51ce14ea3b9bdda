-- name: product
select doc from shopify_products where id = :product_id;

-- name: plan
insert into sold_out (product_id, since_at, until_at) values (:product_id, :since_at, :until_at)
on conflict (product_id, since_at) do nothing;

-- name: returns
select product_id, until_at from sold_out where until_at > :after order by until_at, product_id;

-- name: all
select product_id, since_at, until_at from sold_out order by since_at, product_id;
