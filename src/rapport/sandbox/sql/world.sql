-- name: get_meta
select value from meta where key = :key

-- name: set_meta
insert into meta (key, value) values (:key, :value)
on conflict (key) do update set value = excluded.value

-- name: person_by_email
select p.*
from persons as p
where p.person_id = (
    select min(a.person_id)
    from accounts as a
    where (
        a.system = 'shopify'
        and a.account_id in (select cast(c.id as text) from shopify_customers as c where c.email = :email)
    ) or (
        a.system = 'zendesk'
        and a.account_id in (select cast(u.id as text) from zendesk_users as u where u.email = :email)
    )
)

-- name: person
select * from persons where person_id = :person_id

-- name: put_person
insert into persons
values (
    :person_id, :first_name, :last_name, :email, :phone, :country, :city, :zip, :address, :time_zone, :locale,
    :language, :persona, :open_propensity, :click_propensity, :buy_propensity, :complaint_propensity,
    :unsubscribe_propensity, :preferred_hour, :machine_opens, :bounces
)

-- name: put_account
insert into accounts (system, account_id, person_id) values (:system, :account_id, :person_id)

-- name: put_customer
insert into shopify_customers (id, updated_at, created_at, email, doc)
values (:id, :updated_at, :created_at, :email, :doc)
on conflict (id) do update set updated_at = excluded.updated_at, email = excluded.email, doc = excluded.doc

-- name: put_order
insert into shopify_orders (id, updated_at, created_at, customer_id, person_id, campaign, doc)
values (:id, :updated_at, :created_at, :customer_id, :person_id, :campaign, :doc)
on conflict (id) do update set updated_at = excluded.updated_at, doc = excluded.doc

-- name: put_product
insert into shopify_products (id, updated_at, created_at, doc)
values (:id, :updated_at, :created_at, :doc)
on conflict (id) do update set updated_at = excluded.updated_at, doc = excluded.doc

-- name: put_user
insert into zendesk_users (id, updated_at, email, doc)
values (:id, :updated_at, :email, :doc)
on conflict (id) do update set updated_at = excluded.updated_at, email = excluded.email, doc = excluded.doc

-- name: put_ticket
insert into zendesk_tickets (id, updated_at, requester_id, person_id, doc)
values (:id, :updated_at, :requester_id, :person_id, :doc)
on conflict (id) do update set updated_at = excluded.updated_at, doc = excluded.doc

-- name: put_profile
insert into bluesky_profiles (id, updated_at, handle, doc)
values (:id, :updated_at, :handle, :doc)

-- name: put_interaction
insert into bluesky_interactions (id, updated_at, kind, author_did, doc)
values (:id, :updated_at, :kind, :author_did, :doc)
on conflict (id) do nothing

-- name: store_accounts_of
select c.id, c.email, c.doc
from accounts as a
inner join shopify_customers as c on c.id = cast(a.account_id as integer)
where a.system = 'shopify' and a.person_id = :person_id
order by c.id

-- name: support_user_of
select cast(account_id as integer) as id
from accounts
where system = 'zendesk' and person_id = :person_id
order by id
limit 1

-- name: profile_of
select p.doc
from accounts as a
inner join bluesky_profiles as p on p.id = a.account_id
where a.system = 'bluesky' and a.person_id = :person_id
order by p.id
limit 1

-- name: shop_posts
select doc from bluesky_interactions where kind = 'post' and updated_at <= :at order by updated_at desc, id limit 12

-- name: last_order
select doc from shopify_orders where person_id = :person_id and created_at <= :at order by created_at desc limit 1

-- name: last_ids
select
    (select max(id) from shopify_orders) as order_id,
    (select max(id) from zendesk_tickets) as ticket_id,
    (select max(id) from zendesk_users) as user_id

-- name: orders_to_ship
select id, customer_id, person_id, campaign, created_at, doc
from shopify_orders
where
    created_at between :since and :until
    and json_extract(doc, '$.displayFulfillmentStatus') = 'UNFULFILLED'
    and json_extract(doc, '$.cancelledAt') is null
order by id

-- name: tickets_to_answer
select id, requester_id, person_id, doc
from zendesk_tickets
where updated_at between :since and :until and json_extract(doc, '$.status') in ('new', 'open', 'pending')
order by id

-- name: truth
select system, account_id, person_id from accounts order by person_id, system, account_id

-- name: row_counts
select 'accounts' as name, count(*) as rows_count from accounts
union all
select 'persons' as name, count(*) as rows_count from persons
union all
select 'shopify_customers' as name, count(*) as rows_count from shopify_customers
union all
select 'shopify_orders' as name, count(*) as rows_count from shopify_orders
union all
select 'shopify_products' as name, count(*) as rows_count from shopify_products
union all
select 'zendesk_users' as name, count(*) as rows_count from zendesk_users
union all
select 'zendesk_tickets' as name, count(*) as rows_count from zendesk_tickets
union all
select 'bluesky_profiles' as name, count(*) as rows_count from bluesky_profiles
union all
select 'bluesky_interactions' as name, count(*) as rows_count from bluesky_interactions
