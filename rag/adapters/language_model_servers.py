"""The servers that a language model can be on: which library speaks to each, and how it is set up.

Retries and limits of the libraries are turned off; `rag.adapters.language_model` has its own. Whatever they would read
from the environment is given to them, so that no key goes where it was not meant to go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from llama_index.core.llms import ChatResponse, LLMMetadata

from rag.adapters.language_model import Backend, Limits, LlamaIndexLanguageModel
from rag.adapters.language_model_failures import Raised
from rag.errors import InvalidSettings
from rag.settings import LanguageModelSettings

CONNECT_SECONDS = 3.0
OPENAI, OLLAMA, ANTHROPIC = "https://api.openai.com/v1", "http://127.0.0.1:11434", "https://api.anthropic.com"
# Libraries insist on a key where a server needs none.
NO_KEY = "none"


def connect(settings: LanguageModelSettings) -> LlamaIndexLanguageModel:
    """The language model that the settings name; nothing is sent yet.

    Raises:
        InvalidSettings: the library for it is not installed, or cannot use the model.
    """
    provider = settings.provider
    try:
        backend = BUILDERS[provider](settings)
    except ImportError as error:
        raise InvalidSettings(
            f"RAG_LLM__PROVIDER = {provider!r} needs a library that is not installed. "
            f"Run pip install 'mission-record[{provider}]'."
        ) from error
    except ValueError as error:
        raise InvalidSettings(f"RAG_LLM__MODEL = {settings.model!r}: {error}") from error
    limits = Limits(settings.patience, settings.total_seconds, settings.retries, settings.stream)
    return LlamaIndexLanguageModel(backend, settings.model, limits)


def _openai(settings: LanguageModelSettings) -> Backend:
    """OpenAI, and all who speak its protocol: vLLM, llama.cpp, LM Studio, OpenRouter and others."""
    import httpx
    import openai
    from llama_index.llms.openai_like import OpenAILike

    client = openai.AsyncOpenAI(
        api_key=_key(settings),
        base_url=_openai_address(settings.base_url),
        timeout=httpx.Timeout(settings.total_seconds, connect=CONNECT_SECONDS),
        max_retries=0,
    )
    _ = client.chat.completions  # imported when first used, which would count against the time limit
    llm = OpenAILike(
        model=settings.model,
        api_base=str(client.base_url),
        api_key=NO_KEY,  # the client has it; what LlamaIndex has, it shows
        async_openai_client=client,
        is_chat_model=True,
        context_window=settings.context_tokens,
        temperature=settings.temperature,
        max_retries=0,
        additional_kwargs={"stream_options": {"include_usage": True}},
    )

    async def models() -> list[str]:
        return [model.id async for model in client.models.list()]

    def finished(response: ChatResponse) -> bool:
        choices = getattr(response.raw, "choices", None)
        return bool(choices and choices[0].finish_reason)

    return Backend(
        llm,
        limited=_max_tokens,
        finished=finished,
        models=models,
        close=client.close,
        raised=Raised(
            (openai.APITimeoutError, httpx.TimeoutException),
            (openai.APIConnectionError, httpx.TransportError),
            (openai.APIError,),
        ),
    )


def _ollama(settings: LanguageModelSettings) -> Backend:
    import httpx
    import ollama
    from llama_index.llms.ollama import Ollama

    async def keep_headers(response: httpx.Response) -> None:
        """Ollama's own error has none of them, and so cannot say how long to wait."""
        if response.is_error:
            await response.aread()
            response.raise_for_status()

    address = (settings.base_url or OLLAMA).removesuffix("/v1")
    client = ollama.AsyncClient(
        host=address,
        timeout=httpx.Timeout(settings.total_seconds, connect=CONNECT_SECONDS),
        headers={"Authorization": f"Bearer {_key(settings)}"},
        event_hooks={"response": [keep_headers]},
    )
    llm = Ollama(
        model=settings.model,
        base_url=address,
        async_client=client,
        temperature=settings.temperature,
        context_window=settings.context_tokens,
    )

    async def models() -> list[str]:
        return [model.model for model in (await client.list()).models if model.model]

    def limited(most_tokens: int) -> Mapping[str, object]:
        return {"additional_kwargs": {"num_predict": most_tokens}}

    def finished(response: ChatResponse) -> bool:
        return isinstance(response.raw, dict) and bool(response.raw.get("done"))

    return Backend(
        llm,
        limited=limited,
        finished=finished,
        models=models,
        close=client.close,
        raised=Raised(
            (httpx.TimeoutException,), (ConnectionError, httpx.TransportError), (ollama.ResponseError,)
        ),
    )


def _anthropic(settings: LanguageModelSettings) -> Backend:
    import anthropic
    import httpx
    from llama_index.llms.anthropic import Anthropic

    class AnyAnthropic(Anthropic):
        """Their class raises for each model that is newer than it."""

        @property
        def metadata(self) -> LLMMetadata:
            return LLMMetadata(
                context_window=settings.context_tokens, is_chat_model=True, model_name=self.model
            )

    address = (settings.base_url or ANTHROPIC).removesuffix("/v1")
    llm = AnyAnthropic(
        model=settings.model,
        base_url=address,
        api_key=_key(settings),
        temperature=min(settings.temperature, 1.0),
        max_tokens=settings.answer_tokens,
        max_retries=0,
    )
    client = anthropic.AsyncAnthropic(
        api_key=_key(settings),
        base_url=address,
        timeout=httpx.Timeout(settings.total_seconds, connect=CONNECT_SECONDS),
        max_retries=0,
    )
    client.auth_token = None  # a second key, from the environment
    llm._aclient = client  # its constructor takes no client, and only one time limit for everything

    async def models() -> list[str]:
        return [model.id async for model in client.models.list(limit=1_000)]

    def finished(response: ChatResponse) -> bool:
        raw = response.raw if isinstance(response.raw, dict) else {}
        return bool(response.message.additional_kwargs.get("stop_reason") or raw.get("stop_reason"))

    return Backend(
        llm,
        limited=_max_tokens,
        finished=finished,
        models=models,
        close=client.close,
        raised=Raised(
            (anthropic.APITimeoutError, httpx.TimeoutException),
            (anthropic.APIConnectionError, httpx.TransportError),
            (anthropic.APIError,),
        ),
    )


BUILDERS: Mapping[str, Callable[[LanguageModelSettings], Backend]] = {
    "openai": _openai,
    "ollama": _ollama,
    "anthropic": _anthropic,
}


def _key(settings: LanguageModelSettings) -> str:
    return settings.api_key.get_secret_value() or NO_KEY


def _openai_address(address: str) -> str:
    """Every server of this protocol is below a path, nearly always `/v1`: what is given without one is completed."""
    if not address:
        return OPENAI
    return address if "/" in address.partition("://")[2] else f"{address}/v1"


def _max_tokens(most_tokens: int) -> Mapping[str, object]:
    return {"max_tokens": most_tokens}
