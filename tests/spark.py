"""A real Spark cluster for tests: a master and two workers, each a process, on loopback."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark

from analysis.engines.java import java_home
from tests.ports import free_port

N_WORKERS = 2
PATIENCE_S = 90
# Small, because tests share a machine; few partitions, because their lakes have few rows.
SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "640m",
    "spark.executor.cores": "1",
    "spark.executor.memory": "512m",
    # No task runs before both workers are there: else the first one would do all the work.
    "spark.scheduler.minRegisteredResourcesRatio": "1.0",
    "spark.scheduler.maxRegisteredResourcesWaitingTime": f"{PATIENCE_S}s",
    "spark.sql.shuffle.partitions": "4",
    # Queries over few rows take longer to be compiled to Java than to run without.
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
}


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """The engine's address of a running cluster.

    Args:
        folder: an empty one, for what Spark writes down.

    Raises:
        EngineUnavailableError: there is no Java that Spark runs on.
    """
    port = free_port()
    master = f"spark://127.0.0.1:{port}"
    alone = ["--host", "127.0.0.1", "--webui-port", "0"]
    started = [_start(folder, "Master", [*alone, "--port", str(port)])]
    try:
        _wait(folder / "Master.log", "I have been elected leader", 1)
        for number in range(N_WORKERS):
            worker = [*alone, "--cores", "1", "--memory", "600m"]
            work = ["--work-dir", str(folder / f"work-{number}")]
            started.append(_start(folder, "Worker", [*worker, *work, master], number))
        _wait(folder / "Master.log", "Registering worker", N_WORKERS)
        yield master + "?" + "&".join(f"{name}={value}" for name, value in SETTINGS.items())
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
        for process in started:
            process.wait()


def _start(
    folder: Path, what: str, arguments: list[str], number: int | None = None
) -> subprocess.Popen[bytes]:
    home = Path(pyspark.__file__).parent
    environment = {
        **os.environ,
        "JAVA_HOME": str(java_home()),
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
    }
    script = home / "bin" / "spark-class"
    name = f"org.apache.spark.deploy.{what.lower()}.{what}"
    log = folder / f"{what}{'' if number is None else number}.log"
    with log.open("wb") as out:
        return subprocess.Popen(
            [str(script), name, *arguments],
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait(log: Path, sign: str, times: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while log.read_text().count(sign) < times:
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"{log.name} does not say {sign!r} {times} times:\n{log.read_text()}"
            )
        time.sleep(0.05)
