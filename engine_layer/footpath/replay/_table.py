"""What each kind of entry does: one table, from code to handler.

A handler is given the cursor and the entry; what the entry holds is said at its code in `footpath.journal.entries`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footpath.journal import entries
from footpath.replay._commits import commit, settle
from footpath.replay._data import (
    append,
    changed,
    delete,
    grew,
    has,
    hidden_fields,
    read_redacted,
    remerge,
    seed,
    set_with,
    source,
    update,
)
from footpath.replay._declared import UnknownPartError
from footpath.replay._mounts import exit_mount, mount, output, register
from footpath.replay._phases import again, fail, pause, resume, retry, run_end, run_failed, run_start
from footpath.replay._remarks import bag, emit, message, note, token
from footpath.replay._stages import (
    advance,
    chart,
    done,
    end,
    executed,
    halt,
    next_node,
    node,
    open_frame,
    proceed,
    refuse,
    switch,
)
from footpath.replay._turns import break_line, cycle, decide, fork, loop, select, take

if TYPE_CHECKING:
    from collections.abc import Callable

    from footpath.replay._cursor import Cursor


class _Table(dict[Any, "Callable[[Cursor, Any], None]"]):
    """The handlers by code."""

    def __missing__(self, code: Any) -> Callable[[Cursor, Any], None]:
        if isinstance(code, str):
            return under_its_text
        message = "this code knows no such kind of entry"
        raise UnknownPartError(message)


def under_its_text(cursor: Cursor, entry: Any) -> None:
    """Access a key that the stage named by a text of a class of its own, a member of a `StrEnum`, say.

    Only the journal of this very run can hold one: JSON has a plain text there. The scope lets it pass, because on
    every access the question would cost more than here.
    """
    exact: Any = str.__str__(entry) if isinstance(entry, str) else (str.__str__(entry[0]), *entry[1:])
    cursor.feed(exact)


HANDLERS = _Table(
    {
        entries.NODE: node,
        entries.OPEN: open_frame,
        entries.DONE: done,
        entries.END: end,
        entries.COMMIT: commit,
        entries.EXECUTED: executed,
        entries.NEXT: next_node,
        entries.FRAME: switch,
        entries.UPDATE: update,
        entries.DELETE: delete,
        entries.APPEND: append,
        entries.HAS: has,
        entries.SOURCE: source,
        entries.SET: set_with,
        entries.READ_REDACTED: read_redacted,
        entries.CHANGED: changed,
        entries.EMIT: emit,
        entries.NOTE: note,
        entries.DECIDE: decide,
        entries.SELECT: select,
        entries.FORK: fork,
        entries.MOUNT: mount,
        entries.OUTPUT: output,
        entries.EXIT: exit_mount,
        entries.SETTLE: settle,
        entries.LOOP: loop,
        entries.BREAK: break_line,
        entries.FAIL: fail,
        entries.RETRY: retry,
        entries.AGAIN: again,
        entries.PAUSE: pause,
        entries.RESUME: resume,
        entries.RUN_START: run_start,
        entries.RUN_END: run_end,
        entries.RUN_FAILED: run_failed,
        entries.BAG: bag,
        entries.REGISTER: register,
        entries.TOKEN: token,
        entries.SEED: seed,
        entries.MESSAGE: message,
        entries.REFUSE: refuse,
        entries.HALT: halt,
        entries.ADVANCE: advance,
        entries.CYCLE: cycle,
        entries.TAKE: take,
        entries.PROCEED: proceed,
        entries.REMERGE: remerge,
        entries.CHART: chart,
        entries.HIDDEN_FIELDS: hidden_fields,
        entries.GREW: grew,
    }
)
