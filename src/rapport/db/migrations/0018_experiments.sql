-- Several versions of one mail. The control is 'a', as ops.send.variant says where nothing else was decided.
alter table ops.template add column variant text not null default 'a';

-- The experiment whose variants an occurrence was planned with; null where there was none.
alter table ops.occurrence add column experiment text;

-- True while a send has the control's mail only until a winner is known; see ops.experiment_decision.
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
    switched_count integer not null,
    decided_at timestamptz not null,
    primary key (campaign_id, occurrence_key),
    foreign key (campaign_id, occurrence_key) references ops.occurrence
);
