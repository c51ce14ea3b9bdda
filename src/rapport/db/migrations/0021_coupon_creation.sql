-- Grain: one row a pool whose codes are being made in the store; it goes when they all are. The codes are drawn and kept
-- before the store is asked for the first, so that a run that breaks off is continued with the same ones: none is made
-- twice and none is lost. They reach ops.coupon_code only when the store has them.
create table ops.coupon_creation (
    coupon text primary key,
    -- What was asked for: count, worth, title, and how long they are good.
    terms jsonb not null,
    -- The first one stands for the discount.
    codes text[] not null check (cardinality(codes) > 0),
    created_at timestamptz not null
);
