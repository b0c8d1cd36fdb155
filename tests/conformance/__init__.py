"""The conformance suite: runs cases written for the reference engine on ours, and compares.

`python -m tests.conformance --cases DIR --expected DIR` interprets any folder of cases; `python -m
tests.conformance.fuzz` invents cases and asks the reference itself. `docs/parity.md` has the rules by which the two
sides are allowed to differ; `_compare` applies each of them to both sides.
"""
