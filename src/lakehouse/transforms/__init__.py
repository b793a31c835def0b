"""Frames and columns made into others: pure functions that know no table and no feed."""
