"""Names and dimensions are escaped, shortened or refused, and never mistaken for each other."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.aws.metric_names import check_namespace, dimension_list, metric_dimensions, metric_name
from lakehouse.errors import ConfigError

ANY_NAME = st.text(st.characters(), min_size=1, max_size=100).filter(lambda text: bool(text.strip(" ")))


@given(ANY_NAME)
def test_any_name_becomes_one_that_cloudwatch_takes(name: str) -> None:
    """1 to 255 letters of printable ASCII, from which the name can be read again unless it was cut."""
    found = metric_name(name)
    assert 1 <= len(found) <= 255
    assert all(" " <= letter <= "~" for letter in found)
    cut = len(found) == 255 and found[-17] == "~"
    assert cut or unquote(found, errors="surrogatepass") == name


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("Dataset.*.RowCount", "Dataset.*.RowCount"),
        ("Column.größe.Sum (where: a > 'ü%')", "Column.gr%C3%B6%C3%9Fe.Sum (where: a > '%C3%BC%25')"),
        ("a\nb\tc\x00\x7f", "a%0Ab%09c%00%7F"),
        ("<script>\"'\\", "<script>\"'\\"),
        ("\u202egnp.exe", "%E2%80%AEgnp.exe"),
        ("\ud800", "%ED%A0%80"),
        ("x" * 255, "x" * 255),
    ],
)
def test_names_are_escaped(name: str, escaped: str) -> None:
    """By the bytes of UTF-8; what is printable stays."""
    assert metric_name(name) == escaped


def test_long_names_are_cut_and_stay_different() -> None:
    """Two that differ beyond the limit end with different digests."""
    first, second = (metric_name(f"Dataset.*.CustomSQL ({'x' * 300}{end})") for end in "ab")
    assert first[:238] == second[:238]
    assert first != second
    assert (len(first), len(second)) == (255, 255)


def test_dimensions_tell_table_and_partition() -> None:
    """And what is given beside them, with values escaped."""
    found = metric_dimensions("silver.bücher", partition="day=2026-03-02", more={"Environment": "prod"})
    assert dimension_list(found) == [
        {"Name": "Table", "Value": "silver.b%C3%BCcher"},
        {"Name": "Partition", "Value": "day=2026-03-02"},
        {"Name": "Environment", "Value": "prod"},
    ]
    assert metric_dimensions("t") == {"Table": "t"}
    assert len(metric_dimensions("t", more={f"d{place}": "v" for place in range(29)})) == 30


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"Table": "x"}, "are set already"),
        ({"Partition": "x"}, "are set already"),
        ({":x": "x"}, "begins with a colon"),
        ({"": "x"}, "dimension is blank"),
        ({" ": "x"}, "dimension is blank"),
        ({"größe": "x"}, "printable ASCII"),
        ({"a\nb": "x"}, "printable ASCII"),
        ({"x" * 251: "x"}, "dimension has 251 characters, and CloudWatch takes 250"),
        ({"x": ""}, "value of dimension x is blank"),
        ({"x": "  "}, "value of dimension x is blank"),
        ({"x": "v" * 1025}, "value of dimension x has 1025 characters, and CloudWatch takes 1024"),
        ({f"d{place}": "v" for place in range(30)}, "31 dimensions, and CloudWatch takes 30"),
    ],
)
def test_dimensions_that_cloudwatch_does_not_take_are_refused(more: dict[str, str], message: str) -> None:
    """With what is wrong, and what may be."""
    with pytest.raises(ConfigError, match=message):
        metric_dimensions("t", more=more)


@pytest.mark.parametrize(
    ("namespace", "message"),
    [
        ("", "blank"),
        (" ", "blank"),
        ("AWS/Glue", "is not yours"),
        (":x", "is not yours"),
        ("Größe", "printable ASCII"),
        ("a\tb", "printable ASCII"),
        ("x" * 256, "256 characters"),
    ],
)
def test_namespaces_that_cloudwatch_does_not_take_are_refused(namespace: str, message: str) -> None:
    """Also those of AWS itself."""
    with pytest.raises(ConfigError, match=message):
        check_namespace(namespace)
    assert check_namespace("Lakehouse/Quality") == "Lakehouse/Quality"


def test_blank_names_of_metrics_are_refused() -> None:
    """There is nothing to escape in them."""
    with pytest.raises(ConfigError, match="metric is blank"):
        metric_name(" ")
