"""Expressions that translate an implementation into other frameworks."""
