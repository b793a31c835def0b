"""Landed files looked at before Spark reads them, in a process of their own that may be killed.

The modules that run in that process (`child` and what it imports) know neither Spark nor the configuration.
"""
