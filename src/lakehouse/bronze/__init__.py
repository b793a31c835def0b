"""What arrived, unchanged, and where it came from: recipes for the first zone."""
