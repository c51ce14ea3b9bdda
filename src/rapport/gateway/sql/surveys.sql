-- name: insert_answer
insert into ops.survey_answer (answer_id, send_id, survey, answer, comment, language, answered_at)
select
    %(answer_id)s,
    send.send_id,
    %(survey)s,
    %(answer)s,
    %(comment)s,
    %(language)s,
    %(now)s
from ops.send as send
where
    send.send_id = %(send_id)s
    and (
        select count(*)
        from ops.survey_answer as former
        where former.send_id = send.send_id
    ) < %(most)s;
