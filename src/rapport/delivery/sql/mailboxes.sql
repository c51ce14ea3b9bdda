-- name: unmet_domains
-- Domains of recipients whose mailbox provider nobody stated and nobody has looked up.
select distinct split_part(recipient.address, '@', 2) as domain
from ops.recipient as recipient
where
    recipient.address is not null
    and not exists (
        select 1
        from ops.mailbox_domain as met
        where met.domain = split_part(recipient.address, '@', 2)
    )
order by domain
limit %(most)s;

-- name: exchangers
select
    suffix,
    family
from ops.mailbox_exchanger
order by length(suffix) desc;

-- name: add_domain
insert into ops.mailbox_domain (domain, family, found_by, looked_up_at)
values (%(domain)s, %(family)s, 'mx', clock_timestamp())
on conflict (domain) do nothing;
