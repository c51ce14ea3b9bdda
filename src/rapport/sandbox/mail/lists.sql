-- name: groups
select g.*, (select count(*) from suppression s where s.kind = 'group' and s.group_id = g.id) as unsubscribes
from asm_group g order by g.id;

-- name: group_one
select g.*, (select count(*) from suppression s where s.kind = 'group' and s.group_id = g.id) as unsubscribes
from asm_group g where g.id = :id;

-- name: group_by_name
select id from asm_group where name = :name;

-- name: insert_group
insert into asm_group (id, name, description, is_default)
values ((select coalesce(max(id), 14000) + 1 from asm_group), :name, :description, :is_default);

-- name: suppress
insert into suppression (kind, group_id, email, created, reason, status)
values (:kind, :group_id, :email, :created, :reason, :status)
on conflict (kind, group_id, email) do nothing;

-- name: unsuppress
delete from suppression where kind = :kind and group_id = :group_id and email = :email;

-- name: suppressions
select * from suppression
where kind = :kind and group_id = :group_id and created >= :start_time and created <= :end_time
order by created desc, email limit :limit offset :offset;

-- name: suppressions_of_address
select kind, group_id, reason, created, status from suppression where email = :email;
