"""Behaviour, through the public door, one sentence a test."""
