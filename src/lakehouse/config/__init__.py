"""What a job is told: names, places, numbers and specs, read from YAML and checked before Spark starts."""
