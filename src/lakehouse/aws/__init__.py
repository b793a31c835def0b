"""The only place that speaks to AWS by itself; boto3 is needed once something is opened."""
