from __future__ import annotations

import copy
import pickle

from footpath.values import ABSENT, Absent


def test_absent_is_one_falsy_object() -> None:
    """However it travels inside a process, `is ABSENT` stays true."""
    assert not ABSENT
    assert repr(ABSENT) == "ABSENT"
    assert Absent() is ABSENT
    assert copy.copy(ABSENT) is copy.deepcopy(ABSENT) is ABSENT
    assert pickle.loads(pickle.dumps([ABSENT]))[0] is ABSENT
    assert ABSENT is not None
