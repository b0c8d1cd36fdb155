"""Coverage-guided fuzzing of everything that reads bytes from outside; `make fuzz-bytes` runs it with atheris.

The targets and the mutator are plain functions, so `make test` tries them, too, without atheris.
"""
