-- name: make
create table chaos_queue (
    send_id uuid primary key,
    address text not null,
    state text not null default 'pending',
    attempts integer not null default 0,
    due_at timestamptz not null
);
create index on chaos_queue (due_at) where state = 'pending';

-- name: plan
insert into chaos_queue (send_id, address, due_at)
select
    gen_random_uuid(),
    'r' || number || '@post.example',
    clock_timestamp() + make_interval(secs => %(seconds)s::double precision * number / %(recipients)s)
from generate_series(1, %(recipients)s::integer) as number;

-- name: take
select send_id, address, attempts
from chaos_queue
where state = 'pending' and due_at <= clock_timestamp()
order by due_at
limit %(batch)s
for update skip locked;

-- name: mark
update chaos_queue set state = %(state)s, attempts = attempts + 1 where send_id = %(id)s;

-- name: pending
select count(*) as n from chaos_queue where state = 'pending';

-- name: said_sent
select send_id::text from chaos_queue where state = 'sent';
