"""Backends: each runs a verified Program and sees nothing above it."""
