"""What people ask for, worked out of current tables: recipes for the third zone."""
