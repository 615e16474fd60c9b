"""The model card: what the reader is, what it was made from, how good it is where it was never trained."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from rag.training.export import sha256

_SHOWN = (
    ("span F1", "answered: F1"),
    ("exact match", "answered: exact match"),
    ("right sentence", "answered: right sentence"),
    ("F1, lower case", "answered, lower case: F1"),
    ("F1, key words", "answered, key words: F1"),
    ("AUROC, adversarial", "misleading: AUROC of combined"),
    ("AUROC, retrieved", "retrieved: AUROC of combined"),
    ("AUROC, made up", "made up: AUROC of combined"),
    ("first of four passages", "best of four passages is the answering one"),
)


def write_card(folder: Path, metrics: dict[str, Any], base: Path) -> None:
    """Write `MODEL_CARD.md` beside the files that it describes; with what `notes.md` of the run says."""
    notes = folder.parent / "notes.md"
    names = sorted(path.name for path in folder.iterdir() if path.name != "MODEL_CARD.md")
    files = "\n".join(
        f"- `{name}` {(folder / name).stat().st_size / 1e6:.1f} MB, sha256 `{sha256(folder / name)}`"
        for name in names
    )
    template = resources.files(__package__).joinpath("model_card.md").read_text(encoding="utf-8")
    text = template.format(
        examples=f"{metrics['examples']:,}",
        runs="\n".join(f"{number}. {_described(run)}" for number, run in enumerate(metrics["runs"], 1)),
        base=sha256(base / "model.safetensors"),
        notes=f"{notes.read_text(encoding='utf-8').strip()}\n\n" if notes.is_file() else "",
        table=_table(metrics["test"]),
        weights=f"{metrics['weights'][0]:.3f} and {metrics['weights'][1]:.3f}",
        quantised=_quantised_note(metrics),
        files=files,
    )
    (folder / "MODEL_CARD.md").write_text(text, encoding="utf-8")


def _described(run: dict[str, Any]) -> str:
    """One run: what it did, with the command for it."""
    minutes = f" --minutes {run['minutes']:g}" if run["minutes"] else ""
    recipe = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in run.items() if name != "steps")
    return (
        f"{run['steps']} steps of AdamW; {recipe}. `python -m rag.training train --data DATA --base BASE --output RUN"
        f" --passes {run['passes']}{minutes} --learning-rate {run['learning_rate']:g} --seed {run['seed']}`"
    )


def _table(figures: dict[str, dict[str, float]]) -> str:
    head = "| | " + " | ".join(figures) + " |\n|---|" + "---|" * len(figures)
    rows = [
        f"| {label} | " + " | ".join(_shown(its.get(key)) for its in figures.values()) + " |"
        for label, key in _SHOWN
    ]
    counts = (
        "| questions | " + " | ".join(str(int(its["answered: questions"])) for its in figures.values()) + " |"
    )
    return "\n".join([head, counts, *rows])


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _quantised_note(metrics: dict[str, Any]) -> str:
    """A table of the int8 graphs beside float32."""
    rows = metrics["int8"]
    columns = list(dict.fromkeys(column for its in rows.values() for column in its))
    head = "| | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns)
    return "\n".join(
        [
            head,
            *(
                f"| {name} | " + " | ".join(_shown(its.get(c)) for c in columns) + " |"
                for name, its in rows.items()
            ),
        ]
    )
