"""Two processes that torchrun starts, on this machine's loopback: against one process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import distributed

from lectures_code.networks.distributed import SharedLoss, joined, shared_maximiser
from tests.course.networks import small_training as small
from tests.oracles import says, seeded

ROOT = Path(__file__).parents[3]
# Gradients of a minibatch are summed in another order, which rounds them otherwise.
SAME = {"rtol": 0, "atol": 1e-10}
LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"


def torchrun(*words, max_restarts=0, n_processes=2):
    """Run the small training, and end it where it takes minutes: a process may wait for another."""
    launcher = [sys.executable, "-m", "torch.distributed.run"]
    launcher += [f"--nproc-per-node={n_processes}", f"--max-restarts={max_restarts}"]
    launcher += ["--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0", "--local-addr=127.0.0.1"]
    return subprocess.run(
        [*launcher, "-m", small.__name__, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": LOOPBACK},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Two processes of which one was killed in its second epoch: what they left, and said."""
    folder = tmp_path_factory.mktemp("two")
    run = torchrun(folder, "1.2", max_restarts=1)
    assert run.returncode == 0, run.stderr
    return folder, run.stderr


def test_torchrun_restarts_a_killed_worker_from_the_last_checkpoint(killed, tmp_path):
    """What two processes end with is what one does that nobody killed."""
    folder, said = killed
    assert "Signal 9 (SIGKILL)" in said or "exitcode: -9" in said, said
    expected = small.resumable(tmp_path / "one.pt")
    for number in (0, 1):
        found = torch.load(folder / f"{number}.pt", weights_only=True)["resumable"]
        torch.testing.assert_close(found, expected, **SAME)


def test_two_processes_train_as_one_does_with_the_same_minibatches(killed):
    folder, _ = killed
    for number in (0, 1):
        found = torch.load(folder / f"{number}.pt", weights_only=True)["measured"]
        torch.testing.assert_close(found, small.measured(), **SAME)


def test_without_a_restart_a_killed_worker_ends_the_training(tmp_path):
    """So it is the restart that the test above sees; the checkpoint stays."""
    assert torchrun(tmp_path, "1.2").returncode != 0
    state = torch.load(tmp_path / "training.pt", weights_only=True)
    assert [path.name for path in tmp_path.iterdir()] == ["training.pt"]
    assert state["n_done"] == 1


def test_without_torchrun_the_only_process_has_everything(tmp_path):
    with joined() as number:
        assert number == 0
        assert torch.equal(small.measured(shared_maximiser, SharedLoss), small.measured())


@pytest.fixture
def as_second_of_three(monkeypatch):
    """As if this were process 1 of 3, which it never gets to talk to."""
    for name, value in {"is_initialized": True, "get_rank": 1, "get_world_size": 3}.items():
        monkeypatch.setattr(distributed, name, lambda value=value: value)


def test_a_process_attacks_its_own_part_with_the_draws_of_the_whole(as_second_of_three):
    model, seen = small.network(), []
    model.register_forward_hook(lambda module, arguments, output: seen.append(len(output)))
    found = shared_maximiser(small.attack(seeded(5)))(model, small.X, small.Y)
    assert seen == [7]
    whole = small.attack(seeded(5))(model, small.X, small.Y)
    torch.testing.assert_close(found[7:14], whole[7:14], **SAME)
    assert small.BALL.contains(found, small.X).all()


def test_a_minibatch_with_too_few_examples_is_refused(as_second_of_three):
    with says(
        ValueError,
        "a minibatch must hold an example for each of 3 processes, got 2: choose batch_size so "
        "that the last one holds more, or start fewer",
    ):
        SharedLoss()(small.network(), small.X[:2], small.Y[:2], 0 * small.X[:2])
