"""The reader: a BERT encoder with a span head and an answerable head.

Modules are named so that `state_dict()` has the tensor names of the Hugging Face `BertModel`, which the
ONNX graph builder also reads; the two heads add `qa_outputs.*` and `answerable.*`. Written here rather than
imported so that training needs torch and safetensors alone, and so that the hidden states can stay in
bfloat16 between the matrix products.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class BertShape:
    """The sizes of a BERT encoder, as in its `config.json`."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    vocab_size: int
    max_position_embeddings: int
    type_vocab_size: int
    layer_norm_eps: float

    @classmethod
    def from_folder(cls, folder: Path) -> BertShape:
        """Read `config.json` of a BERT-family folder."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return cls(**{name: config[name] for name in cls.__dataclass_fields__})


def dropout(hidden: Tensor, rate: float, training: bool) -> Tensor:
    """Dropout with one random byte a value, several times as fast on CPU as torch's (the rate is rounded to
    1/256).
    """
    dropped = round(rate * 256)
    if not training or not dropped:
        return hidden
    words = torch.empty(-(-hidden.numel() // 8), dtype=torch.int64, device=hidden.device).random_(
        -(2**63), None
    )
    kept = words.view(torch.uint8)[: hidden.numel()].view(hidden.shape) >= dropped
    return hidden * (kept.to(hidden.dtype) * (256 / (256 - dropped)))


class Embeddings(nn.Module):
    """Word, position and token-type embeddings, summed and normalised."""

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(shape.vocab_size, shape.hidden_size)
        self.position_embeddings = nn.Embedding(shape.max_position_embeddings, shape.hidden_size)
        self.token_type_embeddings = nn.Embedding(shape.type_vocab_size, shape.hidden_size)
        self.LayerNorm = nn.LayerNorm(shape.hidden_size, eps=shape.layer_norm_eps)

    def forward(self, token_ids: Tensor, type_ids: Tensor) -> Tensor:
        """`(batch, length)` ids to `(batch, length, hidden)`."""
        positions = torch.arange(token_ids.shape[1], device=token_ids.device)
        summed = (
            self.word_embeddings(token_ids)
            + self.position_embeddings(positions)
            + self.token_type_embeddings(type_ids)
        )
        normalised: Tensor = self.LayerNorm(summed)
        return normalised


class SelfAttention(nn.Module):
    """Multi-head scaled dot-product attention."""

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.heads = shape.num_attention_heads
        self.query = nn.Linear(shape.hidden_size, shape.hidden_size)
        self.key = nn.Linear(shape.hidden_size, shape.hidden_size)
        self.value = nn.Linear(shape.hidden_size, shape.hidden_size)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """`mask` is `(batch, 1, 1, length)`, added to the scores."""
        batch, length, size = hidden.shape
        weight = torch.cat([self.query.weight, self.key.weight, self.value.weight])
        bias = torch.cat([self.query.bias, self.key.bias, self.value.bias])
        projected = functional.linear(hidden, weight, bias)
        query, key, value = projected.view(batch, length, 3, self.heads, size // self.heads).permute(
            2, 0, 3, 1, 4
        )
        # Written out: the backward pass of torch's fused attention takes a third of a step on a CPU.
        with torch.autocast(hidden.device.type, enabled=False):
            scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2) + mask.to(query.dtype)
            mixed: Tensor = scores.softmax(-1) @ value
        return mixed.transpose(1, 2).reshape(batch, length, size)


class ResidualOutput(nn.Module):
    """A projection, dropout, and the normalised sum with what went in."""

    def __init__(self, from_size: int, shape: BertShape, dropout_rate: float) -> None:
        super().__init__()
        self.dense = nn.Linear(from_size, shape.hidden_size)
        self.LayerNorm = nn.LayerNorm(shape.hidden_size, eps=shape.layer_norm_eps)
        self.dropout_rate = dropout_rate

    def forward(self, hidden: Tensor, residual: Tensor) -> Tensor:
        """Both `(batch, length, *)`; the result has the shape of `residual`."""
        projected = dropout(self.dense(hidden), self.dropout_rate, self.training)
        normalised: Tensor = self.LayerNorm(projected + residual)
        return normalised


class Attention(nn.Module):
    """Self-attention and its output projection."""

    def __init__(self, shape: BertShape, dropout_rate: float) -> None:
        super().__init__()
        self.self = SelfAttention(shape)
        self.output = ResidualOutput(shape.hidden_size, shape, dropout_rate)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """`(batch, length, hidden)` to the same."""
        attended: Tensor = self.output(self.self(hidden, mask), hidden)
        return attended


class Intermediate(nn.Module):
    """The widening half of the feed-forward block."""

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.dense = nn.Linear(shape.hidden_size, shape.intermediate_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """`(batch, length, hidden)` to `(batch, length, intermediate)`."""
        return functional.gelu(self.dense(hidden))


class Layer(nn.Module):
    """One transformer layer."""

    def __init__(self, shape: BertShape, dropout_rate: float) -> None:
        super().__init__()
        self.attention = Attention(shape, dropout_rate)
        self.intermediate = Intermediate(shape)
        self.output = ResidualOutput(shape.intermediate_size, shape, dropout_rate)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """`(batch, length, hidden)` to the same."""
        attended = self.attention(hidden, mask)
        result: Tensor = self.output(self.intermediate(attended), attended)
        return result


class Encoder(nn.Module):
    """The stack of layers."""

    def __init__(self, shape: BertShape, dropout_rate: float) -> None:
        super().__init__()
        self.layer = nn.ModuleList(Layer(shape, dropout_rate) for _ in range(shape.num_hidden_layers))

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """`(batch, length, hidden)` to the same."""
        for layer in self.layer:
            hidden = layer(hidden, mask)
        return hidden


@dataclass(frozen=True)
class ReaderOutput:
    """Logits: `start` and `end` are `(batch, length)`, `answerable` is `(batch,)`."""

    start: Tensor
    end: Tensor
    answerable: Tensor


class Reader(nn.Module):
    """Question and passage in; where the answer starts and ends, and whether there is one."""

    def __init__(self, shape: BertShape, dropout_rate: float = 0.1) -> None:
        super().__init__()
        self.embeddings = Embeddings(shape)
        self.encoder = Encoder(shape, dropout_rate)
        self.qa_outputs = nn.Linear(shape.hidden_size, 2)
        self.answerable = nn.Linear(shape.hidden_size, 1)
        self.dropout_rate = dropout_rate

    def forward(self, token_ids: Tensor, type_ids: Tensor, attention: Tensor) -> ReaderOutput:
        """Ids and a 0/1 attention mask, all `(batch, length)` integers."""
        mask = (1.0 - attention[:, None, None, :].float()) * -10000.0
        hidden = dropout(self.embeddings(token_ids, type_ids), self.dropout_rate, self.training)
        if torch.is_autocast_enabled(hidden.device.type):
            hidden = hidden.to(torch.get_autocast_dtype(hidden.device.type))
        hidden = self.encoder(hidden, mask)
        start, end = self.qa_outputs(hidden).float().unbind(-1)
        return ReaderOutput(start, end, self.answerable(hidden[:, 0]).float().squeeze(-1))


def load_reader(folder: Path, dropout_rate: float = 0.1, weights: Path | None = None) -> Reader:
    """A reader from a BERT-family folder, or of its shape with other `weights`; heads that are not there start small
    and random.

    Raises `KeyError` when an encoder tensor is missing.
    """
    reader = Reader(BertShape.from_folder(folder), dropout_rate)
    for head in (reader.qa_outputs, reader.answerable):
        nn.init.normal_(head.weight, std=0.02)
        nn.init.zeros_(head.bias)
    path = weights or folder / "model.safetensors"
    tensors = load_file(path)
    known = {name: tensor.float() for name, tensor in tensors.items() if name in reader.state_dict()}
    missing = [
        name
        for name in reader.state_dict()
        if name not in known and not name.startswith(("qa_outputs.", "answerable."))
    ]
    if missing:
        raise KeyError(f"{path} lacks {missing[0]} ({len(missing)} tensors); is it a BERT encoder?")
    reader.load_state_dict(known, strict=False)
    return reader


def save_reader(reader: Reader, path: Path) -> None:
    """Write the weights as float32 safetensors, atomically."""
    part = path.with_suffix(".part")
    save_file(
        {name: tensor.detach().float().contiguous() for name, tensor in reader.state_dict().items()}, part
    )
    part.replace(path)
