"""Run queries on Spark, in the environment that has it (.venv-micro): ``python spark_queries.py TASKS.json``.

A task has ``name``, ``view`` and ``parquet`` (a temporary view of a file), ``query``, and ``result`` (a folder for Parquet). The
answer is a file beside the tasks, ``answers.json``: the error of every task, or null.
"""

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession


def main():
    tasks = Path(sys.argv[1])
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.warehouse.dir", str(tasks.parent / "warehouse"))
        .config("spark.log.level", "OFF")
        .getOrCreate()
    )
    answers = {}
    for task in json.loads(tasks.read_text()):
        try:
            session.read.parquet(task["parquet"]).createOrReplaceTempView(task["view"])
            session.sql(task["query"]).write.mode("overwrite").parquet(task["result"])
            answers[task["name"]] = None
        except Exception as error:  # Every error is an answer; the test says which it expects.
            answers[task["name"]] = str(error)
    (tasks.parent / "answers.json").write_text(json.dumps(answers))


if __name__ == "__main__":
    main()
