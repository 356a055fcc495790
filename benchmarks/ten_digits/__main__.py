"""Ten digits at radius 0.3: the published recipe of fast adversarial training, and our attack.

    python -m benchmarks.ten_digits                                         by one process
    torchrun --nproc-per-node 2 --max-restarts 3 -m benchmarks.ten_digits   by two

Trains the network, from the last checkpoint if there is one, attacks it by all means, prints the
accuracies beside the published ones, and writes _build/ten_digits/result.json. Killed, and called
again, it goes on where it was. With --sample it takes 4,000 images, in place of 60,000.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks._report import origin
from lectures_code.mnist import Digits, load_ten
from lectures_code.networks.distributed import joined
from lectures_code.networks.evaluation import Evaluation, evaluate
from lectures_code.networks.models import convolutional_network
from lectures_code.networks.steps import AdamStep
from lectures_code.networks.ten_digits import BALL, fast_training
from lectures_code.progress import progress
from lectures_code.training import epoch

OUT = Path(__file__).resolve().parent.parent.parent / "_build" / "ten_digits"
# In percent of MNIST's 10,000 test images.
PUBLISHED = {
    "clean": 98.5,
    "PGD, 50 steps, 10 restarts": 88.8,
    "AutoAttack": 82.9,
    "sources": "Wong, Rice and Kolter (2020), table 1; AutoAttack: Croce and Hein (2020), table 2",
}
ATTACK = {"step_size": 0.01, "n_steps": 50, "n_restarts": 10, "n_queries": 5000}


def options(words: list[str] | None) -> argparse.Namespace:
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(prog="ten_digits", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--test", type=int, default=10_000, help="test images to attack")
    parser.add_argument("--device", default="cpu", help="as PyTorch names it")
    parser.add_argument("--sample", action="store_true", help="on the sample of 4,000 images")
    parser.add_argument("--folder", type=Path, default=OUT, help="of checkpoint and result")
    return parser.parse_args(words)


def surrogate(x: Tensor, y: Tensor, seed: int) -> nn.Module:
    """A network whose perturbations are tried on the trained one: one epoch, without an attack."""
    generator = torch.Generator().manual_seed(seed)
    model = convolutional_network(generator=generator, n_outputs=10).to(x.device)
    how = {"step": AdamStep(), "step_size": 1e-3, "batch_size": 100, "generator": generator}
    for _ in progress(epoch(model, x, y, **how), label="surrogate", total=-(-len(x) // 100)):
        pass
    return model.eval()


def provenance(
    asked: argparse.Namespace, data: Digits, seconds: dict[str, float]
) -> dict[str, object]:
    """All that the numbers depend on, as far as it can be named."""
    return {
        "recipe": {"epochs": asked.epochs, "seed": asked.seed, "batch size": 100},
        "attack": {**ATTACK, "seed": asked.seed, "surrogate's seed": asked.seed + 1},
        "data": {"source": str(data.source), "training images": len(data.x_train)},
        **origin(),
        "device": torch.device(asked.device).type,
        "threads": torch.get_num_threads(),
        "processes": int(os.environ.get("WORLD_SIZE", "1")),
        "seconds": {name: round(each) for name, each in seconds.items()},
    }


def report(found: Evaluation, origin: dict[str, object], folder: Path) -> None:
    """Print the accuracies beside the published ones, and write them with their origin."""
    n = found.found.n
    accuracies = {
        name: round(100 * (1 - count.rate), 2)
        for name, count in {**found.rungs, "all attacks": found.found}.items()
    }
    result = {
        "question": "Ten digits at radius 0.3: how robust is the published small network?",
        "script": "benchmarks/ten_digits",
        "threat model": str(found.card),
        "accuracy in percent": accuracies,
        "mistakes": {name: count.k for name, count in found.rungs.items()},
        "mistakes under any attack": found.found.k,
        "test images": n,
        "alarms": found.alarms,
        "published": PUBLISHED,
        **origin,
    }
    (folder / "result.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(found.card)
    for name, accuracy in accuracies.items():
        print(f"  {name:20} {accuracy:6.2f} percent of {n:,}")
    print("published:", *(f"  {name}: {value}" for name, value in PUBLISHED.items()), sep="\n")
    print("alarms:", ", ".join(found.alarms) or "none")


def main(words: list[str] | None = None) -> None:
    """Train, attack, report."""
    asked = options(words)
    asked.folder.mkdir(parents=True, exist_ok=True)
    data = load_ten(source="sample" if asked.sample else "mnist")
    x, y = data.x_train.float().to(asked.device), data.y_train.to(asked.device)
    start = time.perf_counter()
    with joined() as number:
        model = fast_training(
            x,
            y,
            file=asked.folder / "training.pt",
            n_epochs=asked.epochs,
            seed=asked.seed,
            saves=number == 0,
        )
    if number:
        return
    trained = time.perf_counter()
    # Evenly spaced, for the sample is in the digits' order.
    tested = torch.arange(len(data.x_test))[:: max(1, len(data.x_test) // asked.test)]
    found = evaluate(
        model,
        data.x_test[tested].float().to(asked.device),
        data.y_test[tested].to(asked.device),
        BALL,
        surrogate=surrogate(x, y, asked.seed + 1),
        seed=asked.seed,
        shape=(28, 28),
        **ATTACK,
    )
    # Of a training that was taken up again, what was left of it.
    seconds = {"training": trained - start, "attacks": time.perf_counter() - trained}
    report(found, provenance(asked, data, seconds), asked.folder)


if __name__ == "__main__":
    main()
