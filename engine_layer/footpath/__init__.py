"""Footpath."""
