"""`footpath query`: SQL over an archive."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from footpath_cli._exits import CommandError, Exit
from footpath_cli._output import as_csv, as_json_lines, remark, table
from footpath_cli.sql import VIEWS, DamagedSegmentError, QueryError

if TYPE_CHECKING:
    from footpath_cli._places import Place
    from footpath_cli.sql import Answer, Tables
    from infra.saved_queries import SavedQuery


def saved_queries() -> list[SavedQuery]:
    """The saved queries of the checkout; none where the CLI was installed without one."""
    try:
        from infra.saved_queries import saved_queries as read
    except ImportError:
        return []
    return read()


def list_questions() -> None:
    """Print the saved queries and the views."""
    table(("saved query", "what it tells"), [(saved.name, saved.description) for saved in saved_queries()])
    table(("view", "what a row is"), [(view.name, view.about) for view in VIEWS])


def sql_of(text: str) -> str:
    """The SQL that an argument stands for: itself, a saved query's, or what standard input holds.

    Raises:
        CommandError: one word that is no saved query, or nothing at all.
    """
    if text == "-":
        text = sys.stdin.read()
    text = text.strip()
    saved = {query.name: query.sql for query in saved_queries()}
    if text in saved:
        return saved[text]
    if not text:
        raise CommandError("there is no SQL", "give a statement, or a saved query's name", exit_code=Exit.USAGE)
    if len(text.split()) == 1:
        cure = f"saved are: {', '.join(saved)}"
        raise CommandError(f"there is no saved query {text!r}, and it is no SQL", cure, exit_code=Exit.NOT_FOUND)
    return text


def ask(place: Place, text: str, *, form: str, days: int | None) -> None:
    """Print the answer to SQL.

    Raises:
        CommandError: the SQL is wrong, the archive is empty or damaged.
    """
    sql = sql_of(text)
    with place.tables(days) as tables:
        answer = answer_to(tables, sql)
        omitted = tables.without_views()
    print_answer(answer, form)
    for reason, count in omitted:
        remark(f"{count} runs lie there without narrative and audit ({reason}): of them only the header counts here")


def answer_to(tables: Tables, sql: str) -> Answer:
    """Run SQL, its errors made the command's."""
    try:
        return tables.query(sql)
    except QueryError as error:
        cure = f"the views are: {', '.join(view.name for view in VIEWS)} (footpath query --list)"
        raise CommandError(str(error), cure, exit_code=Exit.USAGE) from error
    except DamagedSegmentError as error:
        cure = "restore that segment from a copy or from the bucket's versions; `footpath traces get` still reads the others"
        raise CommandError(str(error), cure, exit_code=Exit.DAMAGED) from error


def print_answer(answer: Answer, form: str) -> None:
    """Print rows as "table", "csv" or "json"."""
    if form == "csv":
        as_csv(answer.columns, answer.rows)
    elif form == "json":
        as_json_lines(answer.columns, answer.rows)
    else:
        table(answer.columns, answer.rows)
