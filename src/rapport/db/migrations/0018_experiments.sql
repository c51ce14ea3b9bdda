-- Several versions of one mail. The control is 'a', as ops.send.variant says where nothing else was decided.
alter table ops.template add column variant text not null default 'a';

-- What the lot of an occurrence was drawn by: {"holdout_percent", "experiment", "templates": {variant: {language: version}}}.
-- The folder may say something else by the time that somebody asks who won.
alter table ops.occurrence add column lot jsonb not null default '{}';
-- When the winner is chosen for those who wait for it; null where nobody waits.
alter table ops.occurrence add column decide_at timestamptz;
create index on ops.occurrence (decide_at) where decide_at is not null;

-- True for who takes no part in the test: planned with the control's mail, until a winner is known. It stays true, so that
-- results can leave these out of the comparison of variants.
alter table ops.send add column awaits_winner boolean not null default false;

-- Grain: one row an occurrence that was decided. `figures` are those that the decision was based on, by variant.
create table ops.experiment_decision (
    campaign_id text not null,
    occurrence_key text not null,
    experiment text not null,
    by text not null check (by in ('revenue', 'clicks')),
    winner text not null,
    -- False: no variant was clearly better, and the rest got the control.
    clear boolean not null,
    because text not null,
    figures jsonb not null,
    switched_count bigint not null,
    decided_at timestamptz not null,
    primary key (campaign_id, occurrence_key),
    foreign key (campaign_id, occurrence_key) references ops.occurrence
);
