"""Trainings that are killed and resumed: against those that were not, to the last bit."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lectures_code.networks.checkpoints import checkpointed
from lectures_code.networks.steps import AdamStep
from tests.course.networks import small_training as small
from tests.oracles import says, seeded

ROOT = Path(__file__).parents[3]


def checkpoints(file, **changes):
    how = {"file": file, "n_epochs": 2, **changes}
    return checkpointed(small.network(), AdamStep(), seeded(4), **how)


def test_a_training_that_is_killed_and_resumed_ends_with_the_same_bits(tmp_path):
    """Killed in the middle of its second epoch, by the signal that nothing can catch."""
    command = [sys.executable, "-m", small.__name__, tmp_path]
    killed = subprocess.run([*command, "1.2"], cwd=ROOT, timeout=240, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == ["training.pt"]
    assert torch.load(tmp_path / "training.pt", weights_only=True)["n_done"] == 1
    subprocess.run(command, cwd=ROOT, timeout=240, check=True)
    found = torch.load(tmp_path / "0.pt", weights_only=True)["resumable"]
    assert torch.equal(found, small.resumable(tmp_path / "other.pt"))


@pytest.mark.parametrize("left_out", ["model", "step", "generator"])
def test_each_part_of_a_checkpoint_is_needed(left_out, tmp_path):
    """With any one of them as it was before the first epoch, the bits are others."""
    file = tmp_path / "training.pt"
    expected = small.resumable(file)
    stopped = {}

    def keep(k, i):
        if (k, i) == (2, 1):
            stopped.update(torch.load(file, weights_only=True))

    file.unlink()
    small.resumable(file, keep)
    torch.save(stopped, file)
    assert torch.equal(small.resumable(file), expected)
    start = {
        "model": small.network().state_dict(),
        "step": {},
        "generator": seeded(4).get_state(),
    }
    torch.save({**stopped, left_out: start[left_out]}, file)
    assert not torch.equal(small.resumable(file), expected)


def test_a_finished_training_is_not_run_again(tmp_path):
    file, steps = tmp_path / "training.pt", []
    weights = small.resumable(file)
    assert torch.equal(small.resumable(file, lambda *step: steps.append(step)), weights)
    assert steps == []


def test_a_write_that_fails_leaves_the_last_checkpoint_and_nothing_else(tmp_path, monkeypatch):
    file = tmp_path / "training.pt"
    running = checkpoints(file)
    next(running)
    assert next(running) == 1
    before = file.read_bytes()

    def full(state, stream):
        stream.write(b"the first bytes")
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="no space left"):
        next(running)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_of_several_processes_those_that_do_not_save_write_nothing(tmp_path):
    assert list(checkpoints(tmp_path / "training.pt", saves=False)) == [0, 1]
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    file = tmp_path / "training.pt"
    list(checkpoints(file, settings={"radius": 0.1}))
    with says(
        ValueError,
        "file must be a checkpoint of the settings {'radius': 0.2, 'n_epochs': 2}, got one of "
        "{'radius': 0.1, 'n_epochs': 2}: delete training.pt, or name another file",
    ):
        next(checkpoints(file, settings={"radius": 0.2}))


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", "half", "weights"])
def test_a_file_that_is_no_whole_checkpoint_is_refused(content, tmp_path):
    file = tmp_path / "training.pt"
    list(checkpoints(file))
    if content == "weights":
        torch.save(small.weights(small.network()), file)
    else:
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2] if content == "half" else content)
    with says(
        ValueError,
        "file must be a whole checkpoint, got one that cannot be read: delete training.pt, or "
        "name another file",
    ):
        next(checkpoints(file))
