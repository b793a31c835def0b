"""Rows that keep to their contract, made comparable: recipes for the second zone."""
