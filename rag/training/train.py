"""The training loop: AdamW, linear warm-up and decay, checkpoints that a later call goes on from."""

from __future__ import annotations

import json
import math
import random
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from rag.training.examples import Mixture
from rag.training.features import Batch, Feature, Featurizer, batches, collated
from rag.training.model import Reader, ReaderOutput, load_reader, save_reader

RUNS = "runs.json"


@dataclass(frozen=True)
class Recipe:
    """What decides the weights, apart from the data: same recipe and data, same machine, same weights.

    With `minutes` the run ends on the clock should that come first, its learning rate decayed by then; how
    many steps that is depends on the machine.
    """

    passes: int = 5
    minutes: float | None = None
    batch_size: int = 32
    learning_rate: float = 1.5e-4
    warm_up: float = 0.05
    weight_decay: float = 0.01
    dropout_rate: float = 0.1
    answerable_weight: float = 1.0
    train_word_embeddings: bool = False
    bfloat16: bool = True
    seed: int = 17


def loss_of(output: ReaderOutput, batch: Batch, answerable_weight: float) -> Tensor:
    """Cross-entropy of start and end (the [CLS] token where nothing answers) plus that of the answerable
    head.
    """
    masked = (1.0 - batch.attention.float()) * -10000.0
    start = functional.cross_entropy(output.start + masked, batch.start)
    end = functional.cross_entropy(output.end + masked, batch.end)
    answerable = functional.binary_cross_entropy_with_logits(output.answerable, batch.answerable)
    return (start + end) / 2 + answerable_weight * answerable


class Trainer:
    """One training run in a folder of its own: `runs.json`, `log.jsonl`, `state.pt`, `model.safetensors`.

    With `start`, the folder of an earlier run, it goes on from that run's weights with data and a learning rate of its
    own; `runs.json` lists the recipes of all of them, this one last.
    """

    def __init__(
        self,
        mixture: Mixture,
        base: Path,
        folder: Path,
        recipe: Recipe,
        device: str = "cpu",
        start: Path | None = None,
    ) -> None:
        self._mixture, self._folder, self._recipe, self._device = mixture, folder, recipe, device
        torch.manual_seed(recipe.seed)
        weights = (start or base) / "model.safetensors"
        self.reader = load_reader(base, recipe.dropout_rate, weights).to(device)
        # Word embeddings of rare names would be moved by the few examples that have them.
        self.reader.embeddings.word_embeddings.weight.requires_grad_(recipe.train_word_embeddings)
        self._featurizer = Featurizer(base)
        self._optimizer = torch.optim.AdamW(
            _groups(self.reader, recipe.weight_decay), lr=recipe.learning_rate, fused=True
        )
        self._first = self._featurizer.examples(mixture.drawn(0))
        self._steps_a_pass = math.ceil(len(self._first) / recipe.batch_size)
        self._step, self._seconds = 0, 0.0
        self._losses: list[float] = []
        self._rates: list[float] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._before = json.loads((start / RUNS).read_text(encoding="utf-8")) if start else []

    def resume(self) -> bool:
        """Go on from the folder's checkpoint, if there is one; refuses one of another recipe with
        `ValueError`.
        """
        path = self._folder / "state.pt"
        if not path.exists():
            return False
        state = torch.load(path, weights_only=True)
        if state["recipe"] != asdict(self._recipe):
            raise ValueError(f"{path} is of another recipe; use its arguments, or another --output folder")
        self.reader.load_state_dict(state["reader"])
        self._optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
        self._step, self._seconds = state["step"], state["seconds"]
        return True

    def train(self, minutes_between_checkpoints: float = 10.0) -> None:
        """Run the passes that are left."""
        saved = time.monotonic()
        while self._progress() < 1.0:
            number, done = divmod(self._step, self._steps_a_pass)
            for features in self._pass(number)[done:]:
                self._train_on(features)
                if time.monotonic() - saved > 60 * minutes_between_checkpoints:
                    self.save()
                    saved = time.monotonic()
                if self._progress() >= 1.0:
                    break
        self.save()

    def _progress(self) -> float:
        """How much of the run is done, 0 to 1: of its steps or of its minutes, whichever is more."""
        of_steps = self._step / (self._steps_a_pass * self._recipe.passes)
        minutes = self._recipe.minutes
        of_minutes = self._seconds / (60 * minutes) if minutes else 0.0
        return min(1.0, max(of_steps, of_minutes))

    def save(self) -> None:
        """Write the checkpoint and the weights, each atomically."""
        part = self._folder / "state.part"
        torch.save(
            {
                "recipe": asdict(self._recipe),
                "reader": self.reader.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "random": torch.get_rng_state(),
                "step": self._step,
                "seconds": self._seconds,
            },
            part,
        )
        part.replace(self._folder / "state.pt")
        runs = [*self._before, asdict(self._recipe) | {"steps": self._step}]
        (self._folder / RUNS).write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
        save_reader(self.reader, self._folder / "model.safetensors")

    def _pass(self, number: int) -> list[list[Feature]]:
        """The batches of one pass, always `_steps_a_pass` of them so that the schedule is known from the
        start.
        """
        features = self._featurizer.examples(self._mixture.drawn(number)) if number else self._first
        rng = random.Random(f"{self._recipe.seed}:{number}")
        wanted = self._steps_a_pass * self._recipe.batch_size
        features = (features + rng.sample(features, max(0, wanted - len(features))))[:wanted]
        return list(batches(features, self._recipe.batch_size, rng))

    def _train_on(self, features: list[Feature]) -> None:
        started = time.monotonic()
        rate = self._recipe.learning_rate * _schedule(self._progress(), self._recipe.warm_up)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        batch = collated(features).to(self._device)
        self.reader.train()
        with torch.autocast(self._device, torch.bfloat16, enabled=self._recipe.bfloat16):
            output = self.reader(batch.token_ids, batch.type_ids, batch.attention)
        loss = loss_of(output, batch, self._recipe.answerable_weight)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.reader.parameters(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad()
        loss_now, took = loss.item(), time.monotonic() - started
        self._step += 1
        self._seconds += took
        self._report(loss_now, len(features) / took)

    def _report(self, loss: float, rate: float) -> None:
        """Every 25 steps: the running means on one line, and in the log."""
        self._losses = [*self._losses[-99:], loss]
        self._rates = [*self._rates[-99:], rate]
        progress = self._progress()
        if self._step % 25 and progress < 1.0:
            return
        mean_loss, mean_rate = (sum(values) / len(values) for values in (self._losses, self._rates))
        left = self._seconds / progress * (1.0 - progress) / 60
        row = {"step": self._step, "loss": round(mean_loss, 4), "examples_per_second": round(mean_rate, 1)}
        with (self._folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")
        print(
            f"step {self._step}  {progress:.1%}  loss {mean_loss:.3f}  "
            f"{mean_rate:.0f} examples/s  {left:.0f} minutes left",
            file=sys.stderr,
            flush=True,
        )


def _schedule(progress: float, warm_up: float) -> float:
    """The share of the full learning rate: up in a line during `warm_up`, then down in a line to nothing."""
    return progress / warm_up if progress < warm_up else (1.0 - progress) / (1.0 - warm_up)


def _groups(reader: Reader, weight_decay: float) -> list[dict[str, object]]:
    """Parameters with and without weight decay (none for biases and layer norms)."""
    matrices = [p for p in reader.parameters() if p.requires_grad and p.ndim > 1]
    vectors = [p for p in reader.parameters() if p.requires_grad and p.ndim == 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
