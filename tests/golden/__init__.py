"""Traces written once, to be read for ever."""
