from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from footpath.errors import SettingsError
from footpath_service.settings import SETTINGS, Settings, load_settings

DOCS = Path(__file__).parents[3] / "docs" / "settings.md"
GOOD = {"ARCHIVE_BUCKET": "my-bucket"}


def test_defaults_fill_what_is_not_set() -> None:
    """One variable is enough for a processor."""
    assert load_settings(GOOD) == Settings(archive_bucket="my-bucket")
    assert load_settings(GOOD | {"SHIP_BUDGET_MS": " ", "PATH": "/bin"}).ship_budget_ms == 750


def test_values_are_read_and_frozen() -> None:
    """What was read at start is what holds."""
    settings = load_settings(GOOD | {"SHIP_BUDGET_MS": "300", "MAX_TRACE_DEPTH": "100"})
    assert (settings.ship_budget_ms, settings.wire_limits.depth) == (300, 100)
    with pytest.raises(FrozenInstanceError):
        settings.ship_budget_ms = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("ARCHIVE_BUCKET", "My Bucket", "name of an S3 bucket"),
        ("ARCHIVE_BUCKET", "b", "name of an S3 bucket"),
        ("ARCHIVE_BUCKET", "", "is not set"),
        ("TRACE_QUEUE_URL", "traces", "URL of an SQS queue"),
        ("DEAD_LETTER_QUEUE_URL", "file:///etc/passwd", "URL of an SQS queue"),
        ("SHIP_BUDGET_MS", "fast", "whole number from 50 to 60000"),
        ("SHIP_BUDGET_MS", "-1", "whole number"),
        ("SHIP_BUDGET_MS", "1e3", "whole number"),
        ("SHIP_BUDGET_MS", "\u0663\u0663\u0663", "whole number"),
        ("MAX_TRACE_DEPTH", "100000", "from 50 to 900"),
        ("SEGMENT_GZIP_LEVEL", "0", "from 1 to 9"),
        ("RECORDERS", "my_recorders", "module:name"),
        ("CHARTS", "os:system; rm", "module:name"),
    ],
)
def test_a_wrong_setting_names_itself_its_value_and_the_cure(name: str, value: str, cure: str) -> None:
    """Whoever deploys must not have to read our code."""
    with pytest.raises(SettingsError, match=re.escape(cure)) as caught:
        load_settings(GOOD | {name: value})
    assert name in str(caught.value)
    assert value in str(caught.value)


def test_all_problems_are_named_at_once() -> None:
    """One deployment, one round of mending."""
    with pytest.raises(SettingsError) as caught:
        load_settings({"SHIP_BUDGET_MS": "x"}, needed=["TRACE_QUEUE_URL"])
    assert [name in str(caught.value) for name in ("ARCHIVE_BUCKET", "TRACE_QUEUE_URL", "SHIP_BUDGET_MS")] == [True] * 3


def test_every_field_has_its_variable() -> None:
    """The list of settings and the object hold the same names."""
    assert [setting.field for setting in SETTINGS] == list(Settings.__dataclass_fields__)


def test_the_docs_have_the_same_table() -> None:
    """One list, shown in one more place, kept equal here."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| (.*?) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    shown = {name: (default, about) for name, default, about in rows}
    assert shown == {
        setting.name: (f"`{setting.default}`" if setting.default not in {None, ""} else "", setting.about)
        for setting in SETTINGS
    }
