-- Grain: one row a code that one person may redeem. A code is bound once, to one send, when that is claimed, and so to one
-- person and occurrence; a send has one code however often it is tried. A bound code never goes back to its pool: the mail
-- may be with the reader whatever we were told.
create table ops.coupon_code (
    code text primary key,
    coupon text not null,
    -- From then on the store refuses it; null: it does not end.
    ends_at timestamptz,
    origin text not null check (origin in ('import', 'store')),
    added_at timestamptz not null,
    -- Of ops.send, without a reference: the code outlives the send.
    send_id uuid unique,
    bound_at timestamptz,
    -- What the reader was told.
    expires_at timestamptz,
    check ((send_id is null) = (bound_at is null) and (send_id is null) = (expires_at is null))
);
-- Stores do not tell upper case from lower case.
create unique index on ops.coupon_code (upper(code));
create index on ops.coupon_code (coupon, added_at, code) where send_id is null;

-- The pool that mails of this version take their codes from, and how long each is good from sending on; '': none.
alter table ops.template
add column coupon text not null default '',
add column coupon_valid_seconds bigint not null default 0;
