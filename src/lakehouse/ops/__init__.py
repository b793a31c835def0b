"""What runs around the tables, planned as data: pure functions that call nobody."""
