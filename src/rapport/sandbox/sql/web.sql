-- name: people
select * from persons order by person_id;

-- name: households
select person_id, household from (
    select person_id, min(person_id) over home as household, count(*) over home as members
    from persons
    window home as (partition by phone, address)
)
where members > 1;

-- name: accounts
select person_id, min(account_id) as account_id
from accounts
where system = 'shopify'
group by person_id;

-- name: order
select doc from shopify_orders where id = :order_id;

-- name: orders_between
select person_id, doc from shopify_orders where created_at > :since and created_at <= :until order by id;

-- name: put_device
insert into web_devices (device_id, person_id, kind, consents) values (:device_id, :person_id, :kind, :consents)
on conflict do nothing;

-- name: put_event
insert into web_outbox (due_at, event) values (:due_at, :event);

-- name: due
select position, event from web_outbox where due_at <= :now order by position limit :limit;

-- name: delivered
delete from web_outbox where position = :position;
