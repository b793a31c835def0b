"""Run the battery against tools and print what each made of it.

    python benchmarks/correctness [--contender NAME ...]

NAME is one of `contenders.CONTENDERS` (by default ours and the textbook statements) or `module:name` of another tool's.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from battery import CASES, Answer, describe, is_right, scores
from contenders import CONTENDERS, find

from lakehouse.runtime.session import open_session

CONF = {"spark.sql.shuffle.partitions": "2", "spark.default.parallelism": "2"}


def main() -> int:
    """Print one table; 1 when one of ours is wrong anywhere."""
    arguments = argparse.ArgumentParser(prog="benchmarks/correctness", description=__doc__.splitlines()[0])
    arguments.add_argument("--contender", action="append", help="may be repeated; see the README")
    chosen: list[str] = arguments.parse_args().contender or [name for name in CONTENDERS if name != "mack"]
    with tempfile.TemporaryDirectory(prefix="lakehouse-battery-") as folder:
        spark = open_session(app_name="battery", warehouse=folder, conf=CONF)
        answers: dict[str, Mapping[str, Answer]] = {}
        for name in chosen:
            contender = find(name)(spark, str(Path(folder) / "delta"))
            answers[contender.name] = contender.answer(CASES)
        print(f"Spark {spark.version}\n\n{report(answers)}")
        spark.stop()
    ours = [answers_ for name, answers_ in answers.items() if name.startswith("lakehouse")]
    return int(any(not is_right(case, told[case.name]) for told in ours for case in CASES))


def report(answers: Mapping[str, Mapping[str, Answer]]) -> str:
    """A Markdown table: a line a case, a column a tool, and the scores."""
    lines = [["case", *answers], ["---"] * (len(answers) + 1)]
    lines += [[case.name, *(describe(case, told[case.name]) for told in answers.values())] for case in CASES]
    for place, label in enumerate(("right of 10", "told of 2")):
        lines.append([label, *(str(scores(told)[place]) for told in answers.values())])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
