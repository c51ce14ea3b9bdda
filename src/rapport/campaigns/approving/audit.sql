-- name: audit
insert into ops.audit_log (actor, action, object, detail, at)
values (%(actor)s, %(action)s, %(object)s, %(detail)s, coalesce(%(at)s, clock_timestamp()));

-- name: deeds
select
    log.at,
    log.actor,
    log.action,
    log.object,
    log.detail
from ops.audit_log as log
where %(object)s::text is null or log.object = %(object)s
order by log.audit_id desc
limit %(limit)s;
