"""What is asked of data: rulesets in DQDL, read, written and checked."""
