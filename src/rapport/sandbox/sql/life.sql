-- name: schema
create table if not exists agenda (
  position integer primary key autoincrement,
  key text not null unique,
  due_at real not null,
  kind text not null,
  payload text not null,
  tries integer not null default 0,
  done integer not null default 0
) strict;
create index if not exists agenda_due on agenda (due_at, position) where done = 0;

-- name: add
insert into agenda (key, due_at, kind, payload) values (:key, :due_at, :kind, :payload)
on conflict (key) do nothing;

-- name: due
select position, key, due_at, kind, payload, tries from agenda
where done = 0 and due_at <= :now order by due_at, position limit :limit;

-- name: finish
update agenda set done = 1 where position = :position;

-- name: put_off
update agenda set due_at = :due_at, tries = tries + 1 where position = :position;

-- name: person_with_address
select * from persons where lower(email) = :email order by person_id limit 1;

-- name: weighted_persons
select person_id, buy_propensity as weight from persons order by person_id;

-- name: persons_in_support
select distinct person_id from accounts where system = 'zendesk' order by person_id;

-- name: persons_in_social
select distinct person_id from accounts where system = 'bluesky' order by person_id;

-- name: orders_between
select count(*) as n from shopify_orders where created_at > :since and created_at <= :until;

-- name: tickets_between
select count(*) as n from zendesk_tickets where updated_at > :since and updated_at <= :until;

-- name: mentions_between
select count(*) as n from bluesky_interactions where kind = 'mention' and updated_at > :since and updated_at <= :until;
