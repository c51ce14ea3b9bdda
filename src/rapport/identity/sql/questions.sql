-- name: stage_questions
create temporary table questions (
    profile_key_a text, profile_key_b text, probability real, evidence text
) on commit drop;

-- name: find_questions
-- Likely pairs of two customers on whom nobody has decided: of two customers the likeliest pair.
insert into questions (profile_key_a, profile_key_b, probability, evidence)
select distinct on (least(a.customer_id, b.customer_id), greatest(a.customer_id, b.customer_id))
    edges.profile_key_a,
    edges.profile_key_b,
    edges.probability,
    edges.evidence
from identity.edges
inner join identity.members as a on edges.profile_key_a = a.profile_key
inner join identity.members as b on edges.profile_key_b = b.profile_key
where
    edges.rule = 'likeness'
    and edges.probability >= %(review)s
    and a.customer_id <> b.customer_id
    and (
        exists (select from touched where touched.profile_key = edges.profile_key_a)
        or exists (select from touched where touched.profile_key = edges.profile_key_b)
    )
    and not exists (
        select from identity.decisions
        inner join identity.members as x on decisions.profile_key_a = x.profile_key
        inner join identity.members as y on decisions.profile_key_b = y.profile_key
        where (x.customer_id, y.customer_id)
            in ((a.customer_id, b.customer_id), (b.customer_id, a.customer_id))
    )
order by
    least(a.customer_id, b.customer_id) asc,
    greatest(a.customer_id, b.customer_id) asc,
    edges.probability desc,
    edges.profile_key_a asc,
    edges.profile_key_b asc;

-- name: close_questions
delete from identity.match_reviews as reviews
where
    reviews.status = 'open'
    and (
        exists (select from touched where touched.profile_key = reviews.profile_key_a)
        or exists (select from touched where touched.profile_key = reviews.profile_key_b)
    )
    and not exists (
        select from questions
        where (questions.profile_key_a, questions.profile_key_b) = (reviews.profile_key_a, reviews.profile_key_b)
    );

-- name: open_questions
insert into identity.match_reviews (profile_key_a, profile_key_b, probability, evidence, opened_at)
select
    profile_key_a,
    profile_key_b,
    probability,
    evidence,
    %(as_of)s
from questions
on conflict (profile_key_a, profile_key_b) do update set
    probability = excluded.probability,
    evidence = excluded.evidence
where match_reviews.status = 'open';
