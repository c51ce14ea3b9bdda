"""Whether the mail can be printed for a person. What they have and lack of the fields it reads decides, so one
rendering speaks for all alike. Delivery renders each mail strictly once more before it leaves."""

import re
from collections.abc import Mapping
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from rapport.campaigns.mail import content, templating
from rapport.campaigns.mail.fields import AUDIENCE_FIELDS, TEXT_FIELDS
from rapport.db import Connection, load_queries
from rapport.settings import Settings

BATCH = 2000
SQL = load_queries("rapport.campaigns.planning", "judge.sql", "settle.sql")
# A tag that looks at what a field says, not only at whether it is there: then those alike may still differ.
_LOOKS = re.compile(r"\{%.*?(?:[=<>!+*/%~]=?|\bfor\b|\bin\b|\bis\b|\||\.|\[).*?%\}|\{\{[^}]*\bif\b", re.DOTALL)
_SET_SHOP_URL = re.compile(r"^\{% set shop_url = .*? -%\}\n")


def columns_of(conn: Connection) -> dict[str, str]:
    """Columns of the audience by now, with their types."""
    queries = load_queries("rapport.campaigns.planning", "audience.sql")
    return {row["name"]: row["type"] for row in conn.execute(queries["audience_columns"])}


def judge_query(templates: list[content.Template], columns: Mapping[str, str]) -> sql.Composed:
    """The statement that judges, with the fields of these templates."""
    used = sorted(frozenset().union(*(template.fields for template in templates)))
    return sql.SQL(SQL["judge"]).format(
        pattern=_joined([_shape(name, columns.get(name)) for name in used]),
        context=_context(templates, columns),
        forged=_forged(templates, columns),
    )


def refuse_who_lack(conn: Connection, templates: list[content.Template], settings: Settings) -> None:
    """Sets `missing_field` where the mail could not be printed. One rendering a pattern of what is there; a template
    that looks at values is rendered for each person of a pattern that failed, since others may not fail.

    Of an experiment every version must print, whichever the lot gives: else those who lack a field would be missing
    from one group only, and the groups would differ by more than the mail.
    """
    links = content.standard_links(settings, f"{settings.gateway_url}/u/sample", f"{settings.gateway_url}/p/sample")
    for row in conn.execute(SQL["patterns"]).fetchall():
        where = {"template_no": row["template_no"], "pattern": row["pattern"]}
        language = templates[row["template_no"]].language
        for template in (version for version in templates if version.language == language):
            reason = fault(template, row["context"], links)
            if reason is None:
                continue
            if _looks_at_values(template):
                _refuse_each(conn, template, where, links)
            else:
                conn.execute(SQL["refuse_pattern"], {**where, "reason": reason})


def fault(template: content.Template, context: Mapping[str, Any], links: Mapping[str, str]) -> str | None:
    """Why the mail cannot be printed from this context; None when it can."""
    try:
        content.render(template, {**context, **template.stand_ins}, links)
    except content.ContentError as error:
        return str(error)
    return None


def _refuse_each(conn: Connection, template: content.Template, where: dict[str, Any], links: Mapping[str, str]) -> None:
    with conn.cursor(name="of_pattern") as cursor:
        cursor.execute(SQL["of_pattern"], where)
        while people := cursor.fetchmany(BATCH):
            told = [{"place": row["place"], "reason": fault(template, row["context"], links)} for row in people]
            conn.execute(SQL["refuse_places"], {"rows": Jsonb([line for line in told if line["reason"]])})


def _looks_at_values(template: content.Template) -> bool:
    sources = (template.subject, template.preheader, template.html, template.body_text)
    return any(_LOOKS.search(_SET_SHOP_URL.sub("", source)) for source in sources)


def _column(name: str, columns: Mapping[str, str]) -> sql.Composable:
    return sql.Identifier("audience", name) if name in columns else sql.NULL


def _shape(name: str, kind: str | None) -> sql.Composable:
    """One character: missing, empty or there; for a list of objects also whether it lacks something inside."""
    if kind is None:
        return sql.SQL("'0'")
    column = sql.Identifier("audience", name)
    if kind == "jsonb":
        shape = (
            "case when {0} is null or {0} in ('[]', '{{}}', 'null') then '0'"
            " when jsonb_path_exists({0}, '$.** ? (@ == null)') then '2' else '1' end"
        )
    elif kind.endswith("[]"):
        shape = "case when coalesce(cardinality({0}), 0) = 0 then '0' else '1' end"
    elif name in TEXT_FIELDS:
        shape = "case when {0} ~ '\\S' then '1' else '0' end"
    elif kind in ("bigint", "integer", "smallint", "numeric", "double precision", "real"):
        shape = "case when {0} is null then '0' when {0} = 0 then '2' else '1' end"
    else:
        shape = "case when {0} is null then '0' else '1' end"
    return sql.SQL(shape).format(column)


def _joined(parts: list[sql.Composable]) -> sql.Composable:
    return sql.SQL(" || ").join([sql.SQL("coalesce(md5(candidate.extra::text), '')"), *parts])


def _context(templates: list[content.Template], columns: Mapping[str, str]) -> sql.Composable:
    """What each template needs and no more; in an experiment what any version needs, since each is tried and the rest
    may get any."""
    every = frozenset().union(*(template.fields for template in templates))
    if len({template.variant for template in templates}) > 1:
        return sql.SQL("{} || coalesce(candidate.extra, '{{}}')").format(_built(every, columns))
    cases = [
        sql.SQL("when {} then {}").format(sql.Literal(number), _built(template.fields, columns))
        for number, template in enumerate(templates)
    ]
    return sql.SQL("case candidate.template_no {cases} end || coalesce(candidate.extra, '{{}}')").format(
        cases=sql.SQL(" ").join(cases)
    )


def _built(names: frozenset[str], columns: Mapping[str, str]) -> sql.Composable:
    pairs = [sql.SQL("{}, {}").format(sql.Literal(name), _column(name, columns)) for name in sorted(names)]
    return sql.SQL("jsonb_build_object({})").format(sql.SQL(", ").join(pairs))


def _forged(templates: list[content.Template], columns: Mapping[str, str]) -> sql.Composable:
    """Whether a subject would hold a control character, or a text is longer than any honest one."""
    subjects = templating.used_fields(template.subject for template in templates) & AUDIENCE_FIELDS
    texts = frozenset().union(*(template.fields for template in templates)) & TEXT_FIELDS & columns.keys()
    tests = [
        sql.SQL("{} ~ {}").format(sql.Identifier("audience", name), sql.Literal("[\x01-\x1f\x7f\u2028\u2029]"))
        for name in sorted(subjects & texts)
    ] + [
        sql.SQL("length({}) > {}").format(sql.Identifier("audience", name), sql.Literal(templating.TEXT_LIMIT))
        for name in sorted(texts)
    ]
    return sql.SQL("({})").format(sql.SQL(" or ").join(tests)) if tests else sql.SQL("false")
