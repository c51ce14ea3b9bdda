-- name: counts
select 'lines' as key, count(*)::numeric as value from marts.order_items
union all
select 'lines without a customer', count(*) from marts.order_items where customer_id is null
union all
select 'order documents', count(*) from marts.orders
union all
select 'cancellations (credit notes)', count(*) from marts.orders where order_kind = 'return'
union all
select 'customers', count(*) from marts.customers
union all
select 'lines of postage', count(*) from marts.order_items where line_kind = 'postage'
union all
select 'lines of fees and adjustments', count(*) from marts.order_items where line_kind in ('fee', 'adjustment')
union all
select format('lines of %%s pieces or more', to_char(%(wholesale)s, 'FM9,999')), count(*)
from marts.order_items
where line_kind = 'product' and abs(quantity) >= %(wholesale)s
union all
select 'goods, GBP', sum(reporting_revenue) from marts.orders;

-- name: goods_by_month
select to_char(ordered_at at time zone 'Europe/London', 'YYYY-MM') as key, sum(revenue) as value
from marts.orders
group by 1;

-- name: postage_by_month
select to_char(ordered_at at time zone 'Europe/London', 'YYYY-MM') as key, sum(shipping_amount) as value
from marts.orders
group by 1;

-- name: other_by_month
select to_char(ordered_at at time zone 'Europe/London', 'YYYY-MM') as key, sum(other_amount) as value
from marts.orders
group by 1;

-- name: returned_by_month
select to_char(ordered_at at time zone 'Europe/London', 'YYYY-MM') as key, sum(returned_amount) as value
from marts.orders
where order_kind = 'return'
group by 1;

-- name: goods_by_day
select date::text as key, reporting_revenue as value
from marts.daily_metrics;

-- name: goods_by_customer
select split_part(ids.founded_by, ':', 3) as key, customers.revenue as value
from marts.customers
inner join identity.customer_ids as ids using (customer_id);

-- name: goods_by_buyer
select coalesce(split_part(ids.founded_by, ':', 3), 'nobody') as key, sum(orders.revenue) as value
from marts.orders
left join identity.customer_ids as ids using (customer_id)
group by 1;

-- name: goods_by_product
select upper(split_part(product_id, ':', 3)) as key, sum(revenue) as value
from marts.order_items
where line_kind = 'product'
group by 1;

-- name: pieces_by_product
select upper(split_part(product_id, ':', 3)) as key, sum(net_quantity) as value
from marts.order_items
where line_kind = 'product'
group by 1;

-- name: wholesale_by_customer
select coalesce(split_part(ids.founded_by, ':', 3), 'nobody') as key, sum(items.revenue) as value
from marts.order_items as items
left join identity.customer_ids as ids using (customer_id)
where items.line_kind = 'product' and abs(items.quantity) >= %(wholesale)s
group by 1;
