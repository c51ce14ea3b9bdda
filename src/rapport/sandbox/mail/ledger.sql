-- name: schema
pragma journal_mode = wal;
pragma synchronous = normal;
create table if not exists setting (name text primary key, value text not null);
create table if not exists accepted (
  position integer primary key autoincrement,
  sg_message_id text not null unique,
  x_message_id text not null,
  send_id text,
  attempt_no integer,
  to_email text not null,
  to_name text,
  field text not null check (field in ('to', 'cc', 'bcc')),
  from_email text not null,
  from_name text,
  subject text not null,
  text text,
  html text,
  headers text not null,
  categories text not null,
  custom_args text not null,
  group_id integer,
  send_at real,
  dropped text,
  accepted_at real not null,
  accepted_at_real real not null
);
create index if not exists accepted_by_send on accepted (send_id);
create index if not exists accepted_by_address on accepted (to_email);
create table if not exists events (
  position integer primary key autoincrement,
  sg_event_id text not null unique,
  sg_message_id text not null,
  email text not null,
  event text not null,
  occurred_at real not null,
  body text not null,
  post_after real not null,
  copies integer not null,
  posted integer not null default 0,
  failures integer not null default 0,
  retry_at_real real not null default 0,
  abandoned integer not null default 0
);
create index if not exists events_by_message on events (sg_message_id);
create index if not exists events_waiting on events (post_after) where posted < copies and abandoned = 0;
create table if not exists fault (kind text primary key, injected integer not null);
create table if not exists asm_group (
  id integer primary key,
  name text not null unique,
  description text not null,
  is_default integer not null default 0
);
create table if not exists suppression (
  kind text not null check (kind in ('global', 'group', 'bounce', 'spam_report', 'block', 'invalid')),
  group_id integer not null default 0,
  email text not null,
  created real not null,
  reason text,
  status text,
  primary key (kind, group_id, email)
);

-- name: read_setting
select value from setting where name = :name;

-- name: write_setting
insert into setting (name, value) values (:name, :value)
on conflict (name) do update set value = excluded.value;

-- name: keep_setting
insert into setting (name, value) values (:name, :value) on conflict (name) do nothing;

-- name: insert_accepted
insert into accepted (
  sg_message_id, x_message_id, send_id, attempt_no, to_email, to_name, field, from_email, from_name, subject,
  text, html, headers, categories, custom_args, group_id, send_at, dropped, accepted_at, accepted_at_real
) values (
  :sg_message_id, :x_message_id, :send_id, :attempt_no, :to_email, :to_name, :field, :from_email, :from_name, :subject,
  :text, :html, :headers, :categories, :custom_args, :group_id, :send_at, :dropped, :accepted_at, :accepted_at_real
);

-- name: accepted_after
select * from accepted where position > :position order by position limit :limit;

-- name: accepted_one
select * from accepted where sg_message_id = :sg_message_id;

-- name: accepted_of_send
select * from accepted where send_id = :send_id order by position desc limit :limit;

-- name: accepted_page
select * from accepted
where instr(lower(to_email), lower(:search)) > 0
order by position desc limit :limit offset :offset;

-- name: accepted_count
select count(*) as n from accepted where instr(lower(to_email), lower(:search)) > 0;

-- name: insert_event
insert into events (sg_event_id, sg_message_id, email, event, occurred_at, body, post_after, copies, abandoned)
values (:sg_event_id, :sg_message_id, :email, :event, :occurred_at, :body, :post_after, :copies, :abandoned)
on conflict (sg_event_id) do nothing;

-- name: events_of_message
select * from events where sg_message_id = :sg_message_id order by occurred_at, position;

-- name: events_of_messages
select sg_message_id, event, count(*) as n from events
where sg_message_id in (select value from json_each(:sg_message_ids))
group by sg_message_id, event;

-- name: event_counts
select event, count(*) as n from events group by event;

-- name: events_due
select position, body, failures, occurred_at from events
where posted < copies and abandoned = 0 and post_after <= :now and retry_at_real <= :now_real
order by post_after, position limit :limit;

-- name: event_posted
update events set posted = posted + 1, failures = 0, retry_at_real = 0, post_after = :next_post_after
where position = :position;

-- name: event_refused
update events set failures = failures + 1, retry_at_real = :retry_at_real, abandoned = :abandoned
where position = :position;

-- name: resend_abandoned
update events set abandoned = 0, failures = 0, retry_at_real = 0 where abandoned = 1;

-- name: count_fault
insert into fault (kind, injected) values (:kind, 1)
on conflict (kind) do update set injected = injected + 1;

-- name: fault_counts
select kind, injected from fault;

-- name: events_waiting
select count(*) as n from events where posted < copies and abandoned = 0;

-- name: accepted_send_ids
select send_id from accepted where field = 'to' and send_id is not null order by position;
