"""Reports of runs as one HTML page that needs nothing else: plain data in, text out."""
