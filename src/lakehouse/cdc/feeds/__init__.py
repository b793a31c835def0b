"""One module per producer: bronze rows of that producer to the change log."""
