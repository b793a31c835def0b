"""Where the library meets a running Spark: sessions, their jars and Java, and the check before a job."""
