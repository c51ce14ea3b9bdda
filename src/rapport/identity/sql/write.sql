-- name: stage_newcomers
create temporary table newcomers (customer_id text, founded_by text) on commit drop;

-- name: copy_newcomers_in
copy newcomers (customer_id, founded_by) from stdin (format csv);

-- name: stage_customers
create temporary table new_customers (customer_id text, founded_by text) on commit drop;

-- name: copy_customers
copy new_customers (customer_id, founded_by) from stdin;

-- name: create_customers
-- An id that stood empty returns to its founder.
insert into identity.customer_ids (customer_id, founded_by, created_at)
select
    customer_id,
    founded_by,
    %(as_of)s
from (select * from newcomers union all select * from new_customers) as created
on conflict (customer_id) do nothing;

-- name: stage_merged
create temporary table merged (loser text, survivor text) on commit drop;

-- name: copy_merged
copy merged (loser, survivor) from stdin;

-- name: lead_on
-- Ids that led to the loser lead to the survivor now, so that every old id is one step away.
update identity.customer_ids as ids
set merged_into = merged.survivor
from merged
where ids.merged_into = merged.loser;

-- name: merge_customers
update identity.customer_ids as ids
set merged_into = merged.survivor
from merged
where ids.customer_id = merged.loser;

-- name: stage_gone
create temporary table gone_members (profile_key text) on commit drop;

-- name: copy_gone
copy gone_members (profile_key) from stdin;

-- name: delete_members
delete from identity.members
using gone_members
where members.profile_key = gone_members.profile_key;

-- name: stage_members
create temporary table moved_members (
    profile_key text, customer_id text, confidence text, certain_key text
) on commit drop;

-- name: copy_members
copy moved_members (profile_key, customer_id, confidence, certain_key) from stdin;

-- name: upsert_members
insert into identity.members (profile_key, customer_id, since_at, confidence, certain_key)
select
    profile_key,
    customer_id,
    %(as_of)s,
    confidence,
    certain_key
from moved_members
on conflict (profile_key) do update set
    customer_id = excluded.customer_id,
    since_at = case
        when members.customer_id = excluded.customer_id then members.since_at else excluded.since_at
    end,
    confidence = excluded.confidence,
    certain_key = excluded.certain_key;

-- name: add_newcomers
insert into identity.members (profile_key, customer_id, since_at, confidence, certain_key)
select
    founded_by,
    customer_id,
    %(as_of)s,
    'certain',
    founded_by
from newcomers;

-- name: log_newcomers
insert into identity.changes (kind, customer_id, profile_key, evidence, changed_at)
select
    'create',
    customer_id,
    founded_by,
    '{"profiles": 1}',
    %(as_of)s
from newcomers;

-- name: copy_changes
copy identity.changes (kind, customer_id, other_customer_id, profile_key, rule, evidence, changed_at) from stdin;
