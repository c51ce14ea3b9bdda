-- name: customers
copy (
    select
        customer_id,
        currency_code
    from marts.customers
    order by customer_id
) to stdout (format csv, header)

-- name: orders
-- Revenue in another currency than the customer's own is left out, the order itself is not.
copy (
    select
        orders.customer_id,
        (orders.ordered_at at time zone %(time_zone)s)::date as day,
        case when orders.currency_code = customers.currency_code then orders.revenue end as revenue
    from marts.orders
    inner join marts.customers on orders.customer_id = customers.customer_id
    where orders.counts_as_order and orders.ordered_at < %(as_of)s
) to stdout (format csv, header)

-- name: lines
-- Products that stayed with the buyer. A guest's order has no customer, yet tells what goes together.
copy (
    select
        order_items.order_id,
        order_items.customer_id,
        order_items.product_id,
        (orders.ordered_at at time zone %(time_zone)s)::date as day
    from marts.order_items
    inner join marts.orders on order_items.order_id = orders.order_id
    where
        orders.counts_as_order
        and orders.ordered_at < %(as_of)s
        and order_items.line_kind = 'product'
        and order_items.product_id is not null
        and order_items.net_quantity > 0
) to stdout (format csv, header)

-- name: returned
-- A cancelled order is no opinion of the product; a piece that went back is.
copy (
    select distinct
        orders.customer_id,
        order_items.product_id
    from marts.order_items
    inner join marts.orders on order_items.order_id = orders.order_id
    where
        not orders.is_cancelled
        and orders.ordered_at < %(as_of)s
        and orders.customer_id is not null
        and order_items.product_id is not null
        and order_items.line_kind = 'product'
        and (order_items.quantity < 0 or order_items.net_quantity < order_items.quantity)
) to stdout (format csv, header)

-- name: available
-- Stock that nobody counts is taken as there. Where a source has no catalogue, what sold in 90 days is on sale.
copy (
    with catalogues as (
        select source from marts.products
        where is_in_catalogue
        group by source
    ),

    sold as (
        select distinct order_items.product_id
        from marts.order_items
        inner join marts.orders on order_items.order_id = orders.order_id
        where
            orders.counts_as_order
            and orders.ordered_at < %(as_of)s
            and orders.ordered_at >= %(as_of)s::timestamptz - interval '90 days'
    )

    select products.product_id
    from marts.products
    left join catalogues on products.source = catalogues.source
    left join sold on products.product_id = sold.product_id
    where
        case
            when catalogues.source is null then sold.product_id is not null
            else
                products.is_in_catalogue
                and coalesce(lower(products.status), 'active') = 'active'
                and coalesce(products.inventory, 1) > 0
        end
) to stdout (format csv, header)
