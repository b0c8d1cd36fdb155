"""The saved queries: `infra/queries/*.sql`, and their copies in the template.

The files are the truth: `footpath query` runs them locally. CloudFormation needs them inline, so

    python -m infra.saved_queries

writes them into `template.yaml` again after a change, and a test fails until that was done.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.template import ROOT, TEMPLATE

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "infra" / "queries"

_BLOCK = re.compile(
    r"(?<=  # saved queries: by `python -m infra.saved_queries` from infra/queries/\n).*?(?=^Outputs:)",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class SavedQuery:
    """One saved query.

    Attributes:
        name: of its file, without the ending.
        description: its first line, a comment, which says what the answer tells.
        sql: the whole file; Athena and DuckDB both run it.
    """

    name: str
    description: str
    sql: str

    @property
    def logical_id(self) -> str:
        """Its name in the template, such as `FailedRunsQuery`."""
        return "".join(word.capitalize() for word in self.name.split("-")) + "Query"


def saved_queries(folder: Path = FOLDER) -> list[SavedQuery]:
    """Every saved query, by name.

    Raises:
        ValueError: a file does not begin with the comment that describes it.
    """
    found: list[SavedQuery] = []
    for path in sorted(folder.glob("*.sql")):
        sql = path.read_text(encoding="utf-8")
        first = sql.partition("\n")[0]
        if not first.startswith("-- ") or '"' in first:
            raise ValueError(f"{path.name} must begin with '-- ' and what its answer tells, without double quotes")
        found.append(SavedQuery(path.stem, first.removeprefix("-- "), sql))
    return found


def with_saved_queries(template: str, queries: list[SavedQuery]) -> str:
    """A template's text with its saved queries replaced."""
    block = "\n".join(_yaml(query) for query in queries) + "\n"
    text, count = _BLOCK.subn(lambda _: block, template)
    if count != 1:
        raise ValueError("the template lacks the comment under which saved queries are written")
    return text


def _yaml(query: SavedQuery) -> str:
    lines = "".join(f"        {line}\n" for line in query.sql.splitlines())
    return (
        f"  {query.logical_id}:\n"
        "    Type: AWS::Athena::NamedQuery\n"
        "    Properties:\n"
        f"      Name: {query.name}\n"
        f'      Description: "{query.description}"\n'
        "      Database: !Ref TraceDatabase\n"
        "      WorkGroup: !Ref Questions\n"
        f"      QueryString: |\n{lines}"
    )


if __name__ == "__main__":
    TEMPLATE.write_text(with_saved_queries(TEMPLATE.read_text(encoding="utf-8"), saved_queries()), encoding="utf-8")
