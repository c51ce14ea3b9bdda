set local role transformer;

-- The largest block that the model's pairs come from, and what was left out as too common: values and profiles by block.
alter table identity.match_models
    add column block_limit integer not null default 80,
    add column left_out jsonb not null default '{}';

-- A merge looks for ids that lead to the loser, and a run for those that a profile once founded.
create index on identity.customer_ids (merged_into) where merged_into is not null;
create index on identity.customer_ids (founded_by);
