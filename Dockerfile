# Runs any job without a network: docker run IMAGE jobs/cdc_to_warehouse.py --config cdc_to_warehouse
# With S3: docker build --build-arg FEATURES="--feature core --feature s3" .
FROM python:3.11-slim-bookworm AS wheel
WORKDIR /source
RUN pip install --no-cache-dir build hatchling
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY configs configs
COPY jobs jobs
RUN python -m build --wheel --no-isolation

FROM python:3.11-slim-bookworm
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LAKEHOUSE_JARS=/opt/lakehouse/jars
RUN apt-get update \
    && apt-get install -y --no-install-recommends openjdk-17-jre-headless procps tini \
    && rm -rf /var/lib/apt/lists/*

# What changes seldom comes first: Spark and the libraries, then the jars, then the code.
COPY requirements/spark35.txt /tmp/constraints.txt
RUN pip install --no-cache-dir --constraint /tmp/constraints.txt \
        pyspark delta-spark pydantic PyYAML rich cryptography pyarrow "fastavro[snappy,zstandard]" \
        lark Jinja2 pygal \
    && rm /tmp/constraints.txt

ARG FEATURES="--feature core"
COPY src/lakehouse/__init__.py src/lakehouse/errors.py /tmp/jars/lakehouse/
COPY src/lakehouse/runtime/__init__.py src/lakehouse/runtime/jars.py src/lakehouse/runtime/java.py /tmp/jars/lakehouse/runtime/
RUN PYTHONPATH=/tmp/jars python -m lakehouse.runtime.jars --into "$LAKEHOUSE_JARS" $FEATURES && rm -rf /tmp/jars

COPY --from=wheel /source/dist/*.whl /tmp/
RUN pip install --no-cache-dir --no-deps /tmp/*.whl && rm /tmp/*.whl
COPY jobs /opt/lakehouse/jobs

RUN useradd --uid 10001 --create-home lakehouse \
    && install -d -o lakehouse -g lakehouse /opt/lakehouse/warehouse
USER 10001
ENV WAREHOUSE=/opt/lakehouse/warehouse
WORKDIR /opt/lakehouse
ENTRYPOINT ["tini", "--", "python"]
CMD ["-m", "lakehouse.runtime.command_line", "--help"]
