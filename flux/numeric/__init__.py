"""Numeric methods on compiled expressions."""
