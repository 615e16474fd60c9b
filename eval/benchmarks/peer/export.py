"""`python -m eval.benchmarks.peer.export MODEL FOLDER`: the weights as the folder that Chroma's embedder expects.

Chroma would fetch a graph that was exported from the same weights in the same way.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import torch
from transformers import AutoModel

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OUTPUT = "last_hidden_state"
COPIED = (
    "config.json",
    "special_tokens_map.json",
    "tokenizer_config.json",
    "tokenizer.json",
    "vocab.txt",
)


class _LastLayer(torch.nn.Module):
    def __init__(self, encoder: torch.nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
        return self.encoder(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state


def export(model: Path, folder: Path) -> None:
    """Write `model.onnx` and the files beside it; Chroma looks for those it does not read, too."""
    target = folder / "onnx"
    target.mkdir(parents=True)
    for name in COPIED:
        if (model / name).is_file():
            shutil.copyfile(model / name, target / name)
    if not (target / "vocab.txt").is_file():
        vocabulary = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
        words = sorted(vocabulary, key=vocabulary.__getitem__)
        (target / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    if not (target / "special_tokens_map.json").is_file():
        (target / "special_tokens_map.json").write_text("{}\n", encoding="utf-8")
    encoder = AutoModel.from_pretrained(model, attn_implementation="eager").eval()
    ids = torch.ones((2, 8), dtype=torch.long)
    axes = {0: "batch", 1: "tokens"}
    torch.onnx.export(
        _LastLayer(encoder),
        (ids, torch.ones_like(ids), torch.zeros_like(ids)),
        str(target / "model.onnx"),
        input_names=list(INPUTS),
        output_names=[OUTPUT],
        dynamic_axes=dict.fromkeys((*INPUTS, OUTPUT), axes),
        opset_version=17,
        dynamo=False,
    )


if __name__ == "__main__":
    export(Path(sys.argv[1]), Path(sys.argv[2]))
