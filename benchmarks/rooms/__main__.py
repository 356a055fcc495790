"""The chapters in an environment like Binder's: its size, and each chapter's time and memory.

    python -m benchmarks.rooms             _build/edition -> benchmarks/results/rooms/binder.json
    python -m benchmarks.rooms --threads   the same, and threads compared on all chapters

The environment is new, and made by pip of what `environment.yml` asks conda for. Each chapter and
page of practice is run in JupyterLab, cell by cell, from the start of the server on. Threads are
compared for each chapter alone and beside three others, about as long, on the same server: one
thread, which the chapters choose, and one for each core, PyTorch's choice. Needs Linux, and ten
minutes in which nothing else runs; with --threads, an hour.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
import requests
from jupyter_client import BlockingKernelClient

from booksite.finished import ROOT
from run import pip

EDITION = ROOT / "_build" / "edition"
RESULT = ROOT / "benchmarks" / "results" / "rooms" / "binder.json"
READERS = 4
SECONDS = 900  # the longest that anything is waited for


@dataclass(frozen=True)
class Server:
    """A running JupyterLab, and when it was started."""

    pid: int
    start: float
    runtime: Path
    url: str
    token: str


def make_environment(folder: Path) -> int:
    """Make the environment, with PyTorch's CPU build first, and return its size in MB."""
    venv.create(folder, with_pip=True)
    pip("pip>=25.1", venv=folder)
    index = os.environ.get("TORCH_INDEX")
    pip("--group", "torch", *(["--index-url", index] if index else []), venv=folder)
    pip("jupyterlab", str(EDITION), venv=folder)
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return round(sum(path.stat().st_size for path in files) / 1e6)


@contextmanager
def jupyterlab(environment: Path, threads: int | None) -> Iterator[Server]:
    """Start JupyterLab in the edition's folder, with as many threads if the number is given."""
    with tempfile.TemporaryDirectory() as folder:
        runtime = Path(folder)
        places = {f"JUPYTER_{name}_DIR": folder for name in ("RUNTIME", "CONFIG", "DATA")}
        variables = {**os.environ, **places, "IPYTHONDIR": folder}
        variables.pop("OMP_NUM_THREADS", None)
        if threads:
            variables["OMP_NUM_THREADS"] = str(threads)
        program = [str(environment / "bin" / "jupyter-lab"), "--no-browser", "--allow-root"]
        start = time.perf_counter()
        process = subprocess.Popen(
            [*program, "--port=0", f"--ServerApp.root_dir={EDITION}"],
            env=variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            said = wait_for(runtime / f"jpserver-{process.pid}.json")
            yield Server(process.pid, start, runtime, said["url"], said["token"])
        finally:
            process.terminate()
            process.wait(timeout=SECONDS)


def wait_for(file: Path) -> dict:
    """Return what the server writes into this file when it listens."""
    for _ in range(SECONDS * 10):
        try:
            return json.loads(file.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            time.sleep(0.1)
    raise TimeoutError(f"JupyterLab must start within {SECONDS} s, and has not written {file}")


def run_chapter(server: Server, notebook: Path) -> tuple[float, int]:
    """Run a chapter in a new session; return the seconds from the server's start, and peak MB."""
    session = {
        "path": notebook.relative_to(EDITION).as_posix(),
        "name": notebook.name,
        "type": "notebook",
        "kernel": {"name": "python3"},
    }
    answer = requests.post(
        f"{server.url}api/sessions",
        json=session,
        headers={"Authorization": f"token {server.token}"},
        timeout=SECONDS,
    )
    answer.raise_for_status()
    file = server.runtime / f"kernel-{answer.json()['kernel']['id']}.json"
    client = BlockingKernelClient(connection_file=str(file))
    client.load_connection_file()
    client.start_channels()
    client.wait_for_ready(timeout=SECONDS)
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "code":
            execute(client, cell.source)
    seconds = time.perf_counter() - server.start
    pid = execute(client, "", pid="__import__('os').getpid()")["pid"]["data"]["text/plain"]
    client.stop_channels()
    return seconds, peak_mb(int(pid))


def execute(client: BlockingKernelClient, source: str, **expressions: str) -> dict:
    """Run one cell and return the values of expressions; an error in it is an error here."""
    reply = client.execute_interactive(
        source, user_expressions=expressions, output_hook=lambda _: None, timeout=SECONDS
    )["content"]
    if reply["status"] != "ok":
        raise RuntimeError("\n".join(reply["traceback"]))
    return reply["user_expressions"]


def peak_mb(pid: int) -> int:
    """The most memory that a process has had so far."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return round(int(line.split()[1]) * 1024 / 1e6)


def measure(environment: Path, notebooks: list[Path], threads: int | None) -> list[dict]:
    """Run chapters at the same time, each with a kernel of one server; what each of them took."""
    with jupyterlab(environment, threads) as server, ThreadPoolExecutor(len(notebooks)) as pool:
        runs = list(pool.map(lambda notebook: run_chapter(server, notebook), notebooks))
        return [
            {"seconds": round(seconds), "kernel MB": peak, "server MB": peak_mb(server.pid)}
            for seconds, peak in runs
        ]


def compared(environment: Path, notebooks: list[Path], alone: dict[str, dict]) -> list[dict]:
    """Run chapters alone and beside others, with one thread and with all cores.

    What they take alone with one thread is known. They begin together; those beside each other take
    about as long, so that none of them is alone for long.
    """
    cores = os.cpu_count()
    order = sorted(notebooks, key=lambda notebook: -alone[named(notebook)]["seconds"])
    rows = {named(notebook): {"one thread, 1": alone[named(notebook)]} for notebook in notebooks}
    for notebook in order:
        (rows[named(notebook)]["all cores, 1"],) = measure(environment, [notebook], cores)
    for begin in range(0, len(order), READERS):
        beside = order[min(begin, len(order) - READERS) :][:READERS]
        for name, threads in (("one thread", None), ("all cores", cores)):
            for notebook, took in zip(beside, measure(environment, beside, threads), strict=True):
                rows[named(notebook)][f"{name}, {READERS}"] = took
        print({named(notebook): rows[named(notebook)] for notebook in beside}, flush=True)
    return [{"chapter": chapter, **row} for chapter, row in rows.items()]


def named(notebook: Path) -> str:
    """A chapter's name among the results."""
    return f"{notebook.parent.name}/{notebook.stem}"


def main() -> None:
    """Measure all chapters and keep the figures for the appendix."""
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    rows, notebooks = [], sorted(EDITION.rglob("*.ipynb"))
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "environment"
        size = make_environment(environment)
        for notebook in notebooks:
            rows.append({"chapter": named(notebook), **measure(environment, [notebook], None)[0]})
            print(rows[-1], flush=True)
        if "--threads" in sys.argv[1:]:
            alone = {row["chapter"]: row for row in rows}
            chapters = [each for each in notebooks if each.parent.name != "practice"]
            result["threads"] = compared(environment, chapters, alone)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    result |= {"machine": machine, "environment MB": size, "readers": READERS, "rows": rows}
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
