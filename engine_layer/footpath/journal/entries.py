"""The entries of a journal, version 1.

A journal is one flat, ordered, append-only list. An entry belongs to the frame that is current when it is appended:

* a string is a tracked read of that key;
* a list whose first item is a string is a tracked write, `[key, value]`;
* any other entry is a list that starts with one of the codes below.

Values stand in their recorded form. A read carries no value: whoever replays holds the state, so the value is known.
Times are microseconds since the run's start. A frame is one execution of one node; its number is its ordinal among the
`OPEN` and `MOUNT` entries, which is also the run's step number. A node is declared once, at its first mention or with
its whole chart, and named by its ordinal among all that were declared afterwards.
"""

from __future__ import annotations

NODE = 0
"""`[0, id, name, description?, tags?, subflow_id?]` declares a node; ids and names carry their subflow's prefix."""

OPEN = 1
"""`[1, t, node, link?, from_frame?]` begins a frame and its stage; without a link it follows the current frame."""

DONE = 2
"""`[2, t, next_node?, dropped?]` is END, COMMIT, EXECUTED as "linear" and, with a next node (not null), NEXT, in one."""

END = 3
"""`[3, t]`: the stage's function returned."""

COMMIT = 4
"""`[4, dropped?]`: the staged writes reach the state, but for the dropped keys, whose value was there already."""

EXECUTED = 5
"""`[5, stage_type, stage_name?]`"""

NEXT = 6
"""`[6, node]`: the line goes on."""

FRAME = 7
"""`[7, frame]`: what follows belongs to that frame, until another switch."""

UPDATE = 8
"""`[8, key, patch, flags?, hidden_fields?, result?, together?, members?]` merges a patch into a key; flags as for SET.

Flag 8: JSON has lost what the merge went by, so its result stands there too, and all patches of the stage to that key
as one, where there was one before. 16: the key was hidden and is not any more, so what stands there may still be: of an
object its members' names, each with the mark.
"""

DELETE = 9
"""`[9, key, redacted?, hidden_fields?]`"""

APPEND = 10
"""`[10, key, items]`: the list under key grew at its end."""

HAS = 11
"""`[11, key, hidden?]`: asked whether the key is there; its value, which the tree shows with it, may be hidden."""

SOURCE = 12
"""`[12, "args" | "env"]`: the stage looked at an untracked source."""

SET = 13
"""`[13, key, value, flags, description?, hidden_fields?]`: a write with options.

Flag 1: redacted, no value. 2: absent, no value. 4: some fields are hidden; their dotted paths are listed, and of those
that are absent there (whether they are is no secret), the ways: lists of steps. Of a text that is hidden because one of
the paths leads into it, to a character, the way stands there behind a null.
"""

READ_REDACTED = 14
"""`[14, key, fields?, value?]`: a read whose value is hidden, or with `fields` in part; `value` is then what may be seen of it, where that is not what was written."""

CHANGED = 15
"""`[15, key, value, flags?, hidden_fields?]`: found at commit: the value was changed behind the scope's back; flags as for SET."""

EMIT = 16
"""`[16, t, name, payload?]`"""

NOTE = 17
"""`[17, t, kind, key, value, flags?]`: a diagnostic; kind is "debug", "log", "error", "metric" or "eval".

Flag 1: absent, no value. 2: hidden by the name of the event that it is, so that event's whole payload is the mark.
"""

NOTE_ABSENT, NOTE_HIDDEN = 1, 2
"""Flags of NOTE."""

NOTE_PREFIXES = {
    "debug": "log.debug.",
    "log": "log.debug.",
    "error": "log.error.",
    "metric": "metric.",
    "eval": "eval.",
}
"""What stands before a diagnostic's key in the name of the event that it is, by kind."""

DECIDE = 18
"""`[18, branch_node, returned, evidence?, fallback?]`: a decider's choice, and EXECUTED as "decider".

Evidence: see `footpath.journal._evidence`."""

SELECT = 19
"""`[19, [node], [returned], total, [skipped id], evidence?]`: a selector's choice, and EXECUTED as "selector"."""

FORK = 20
"""`[20, kind, [node]]`: parallel children begin; kind 0 is a fork, 1 a selector's, 2 a for-each's."""

MOUNT = 21
"""`[21, t, node, link, from_frame, first_node, mapped_input, subflow_name, hidden_members?, subflow_id?, hidden?, displaces?]` begins a mount's
frame and its subflow. Of mapped objects that are hidden as a whole, `hidden_members` names the members, by key; none where
nothing was mapped. A subflow has its mount's id (null, or left out), but where the mount is a branch taken as fallback.
With `displaces`, 1, it is a lazy one that takes the place of a chart that REGISTER told of under its id.

Here and below, where a run hides values `hidden` names the places in the state that are hidden, each as a list of its
steps, behind a null where nothing is there: the mark
at any other place is what a stage wrote, or is left of a copy."""

OUTPUT = 22
"""`[22, frame, [[path, value, grows?, count?]], reads, dropped, shown_reads?, hidden?]`: a subflow's output, written through that frame and committed.

Where a list `grows` (1), the value is what it has gained at its end; or that is hidden, as all of it is. With 0 and a
count the value is the whole list, of which parts are hidden, and the first `count` items were there before. A read is
`key.member`, or `[key, member, shown?]`: where the key has a dot, or where it shows what the state does not, of what is
hidden or of a text. Older traces have what reads of hidden values show in `shown_reads`, by name; it is empty now."""

EXIT = 23
"""`[23, hidden_keys?]`: the current mount's subflow ends. Its state is shown without the values of those keys.

They are given where a run hides single writes and has no policy; with one, what was hidden when it was written is."""

SETTLE = 24
"""`[24, refused?, throttled?]`: a parallel child's second, empty commit; a refused child has no frame.

One that was refused in a way that counts as being asked to slow down says so here: true, or the mark where that is
hidden."""

THROTTLED = "monitor.isThrottled"
"""Where it stands among the writes of a child that failed so."""

LOOP = 25
"""`[25, target_node, iteration, bare?]`: a loop edge is taken; a bare one carries no context."""

BREAK = 26
"""`[26, reason?, from_subflow?]`"""

FAIL = 27
"""`[27, error]`: the current frame's stage raised; error is `[name, message, code?, issues?]`."""

RETRY = 28
"""`[28, attempt, max_attempts, delay_ms, error]`: an attempt failed, its staged writes are dropped, another follows."""

AGAIN = 29
"""`[29, t]`: the next attempt begins."""

PAUSE = 30
"""`[30, half, [pause_data] | null, subflow_path, who?, 1?]`: the current frame's stage pauses. First its scope says so (half 0),
then, once it has committed, its line (1), with `who`: `[name, stage_id, frame, branch]`. Half 2 is both in one: it
stands behind the mark of a cut that took the two away, and maybe the frame itself. With a last 1 the flow's recorders
do not hear of it."""

PAUSED_SCOPE, PAUSED_LINE, PAUSED_BOTH = 0, 1, 2
"""The halves of PAUSE."""

RESUME = 31
"""`[31, name, stage_id, runtime_stage_id, has_input, base]`: a paused run goes on; base holds what the phase begins with:
`executionCount`, `visitCounts`, `state`, `hidden` and `tail`, the frame that the line hangs on: `[frame, id, name,
depth]` or null."""

RUN_START = 32
"""`[32, input?]`; input is left out after a resume. `[32, null, 1]`: the input is the one that the header holds."""

RUN_END = 33
"""`[33, result?]`; `[33, null, 1]`: the result is the one that the header holds."""

RUN_FAILED = 34
"""`[34, error]`"""

BAG = 35
"""`[35, bag, key, value]`: the engine's own remark on the current frame, in "logs", "errors", or among its "writes".

In "results" it says nothing but that the children of a stage that returned one are shown among the subflows, though the
stage that was to follow them can't: where one follows, they are anyway."""

REGISTER = 36
"""`[36, subflow_id, name, description, spec]`: a chart returned by a stage."""

TOKEN = 37
"""`[37, stream_id, token]`; `[37, stream_id]` starts, `[37, stream_id, text, 1]` ends the stream."""

SEED = 38
"""`[38, [[path, value]], inner?, hidden?]`: state the run, or with `inner` the current mount's subflow, begins with."""

MESSAGE = 39
"""`[39, type, description, target?, count?]`: a remark on the tree for the reader."""

REFUSE = 40
"""`[40, node, link, from_frame]`: a line was refused because it nests too deep; it takes no step number."""

HALT = 41
"""`[41, t, node, link, from_frame, subflow_id?]`: the run was told to stop; the stage has its frame, but never starts. So has a
mount whose lazy chart could not be had, with the id that its subflow would have had."""

ADVANCE = 42
"""`[42, t, node, dropped?]` is DONE and the next node's OPEN in one: the most common thing that happens."""

CYCLE = 43
"""`[43, t, target_node, iteration, dropped?]` is DONE without a next node, LOOP and the target's OPEN in one."""

TAKE = 44
"""`[44, t, branch_node, returned, evidence?, dropped?]` is END, COMMIT, DECIDE without fallback, and the branch's OPEN, in
one."""

PROCEED = 45
"""`[45, t, node]` is NEXT and the next node's OPEN in one."""

REMERGE = 46
"""`[46, key, value]`: the stage patched a key more than once. As in the reference the commit applies all its patches together,
to what was there or was written between them; this is what comes of it, where it is not what the stage has seen."""

CHART = 47
"""`[47, chart, prefix?]` declares all nodes of a chart of the spec, in the spec's order, as so many `NODE` entries would; `chart` is
its place in the spec's table. With a prefix, that and a slash stand before ids and names."""

HIDDEN_FIELDS = 48
"""`[48, {key: [path]}]`: the fields that the run's policy hides, before the first chart that is mounted: what begins it and what it
hands out is written member by member, each hiding its part."""

GREW = 49
"""`[49, key, count]`: with delta commits, where values are hidden: the list that the stage wrote began with all `count` items of the
one that was there. Its recorded form can't show that, nor that of a hidden one."""

TRUNCATED = "footpath.truncated"
"""Name of the EMIT that stands where entries were left out: `{at, reason, dropped}`. It follows the last one kept; after it
comes nothing but the run's end, or the pauses it waits at."""

LINK_NEXT, LINK_BRANCH, LINK_PARALLEL, LINK_ROOT = 0, 1, 2, 3
"""How a frame hangs on another: after it, its branch, its parallel child, or first of its subflow."""

REDACTED, ABSENT_VALUE, FIELDS, RESULT, MEMBERS = 1, 2, 4, 8, 16
"""Flags of SET and UPDATE."""
