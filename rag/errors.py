"""Every error that this program raises on purpose.

    RagError
    |-- InvalidInput             the caller's fault: bad question, filter, path or setting
    |   |-- InvalidQuestion
    |   |-- InvalidUpload
    |   `-- InvalidSettings
    |-- DocumentError            one file of the record cannot be used; the others can
    |   |-- DocumentUnreadable   not there, not permitted, locked, over a limit, not what its ending says
    |   |-- DocumentMalformed    front matter or content is wrong, or there is no text
    |   `-- UnsupportedFormat    no reader for this kind of file
    |       `-- ReaderMissing    there is one, but it is not installed
    |-- DocumentNotFound         no such document id
    |-- StorageError
    |   |-- IndexEmpty           nothing has been ingested yet
    |   |-- IndexMismatch        made by another model, chunking or schema version
    |   |   `-- IndexNewer       of a later schema version than this program knows
    |   |-- IndexBusy            another process is writing
    |   `-- IndexCorrupt         what is stored contradicts itself
    |-- ModelError
    |   |-- ModelMissing         no weights found, and none may be fetched
    |   `-- ModelInvalid         weights that are not what they should be
    |-- NoLanguageModel          generative mode asked for, none configured
    |-- KeysUnreadable           the file of API keys cannot be read or written
    |-- TooBusy                  as many questions are being answered, and waiting, as may
    |-- DeadlineExceeded         an answer took longer than it may
    |-- OpenToAll                serving beyond this machine without keys, which nobody has allowed
    `-- AddressInUse             the port to serve on is taken

A message says what is wrong, with which value, and what to do next: it is shown to users as it is.
Exceptions of libraries are translated into these in `rag.adapters` and `rag.formats`, once.
"""


class RagError(Exception):
    """Base of all errors raised on purpose; `code` is the stable name that the HTTP API sends."""

    code = "internal"
    # Seconds after which trying again may help; None where something has to be done first.
    retry_after: int | None = None


class InvalidInput(RagError):
    """The caller sent something that cannot be used."""

    code = "invalid_request"


class InvalidQuestion(InvalidInput):
    """A question that is empty or too long."""


class InvalidUpload(InvalidInput):
    """A file whose name cannot be used."""


class FetchRefused(InvalidInput):
    """An address that nothing may be fetched from, or that gives nothing that can be read."""


class InvalidSettings(InvalidInput):
    """A setting with a value that cannot be used."""


class DocumentError(RagError):
    """One file of the record cannot be used."""

    code = "invalid_document"


class DocumentUnreadable(DocumentError):
    """A file that cannot be read as text."""


class DocumentMalformed(DocumentError):
    """A file whose front matter or content is wrong."""


class UnsupportedFormat(DocumentError):
    """A file that no reader reads."""

    code = "unsupported_type"


class ReaderMissing(UnsupportedFormat):
    """A file whose reader is in an extra that is not installed."""


class DocumentNotFound(RagError):
    """No document has this id."""

    code = "not_found"


class StorageError(RagError):
    """Base of what can be wrong with the index."""

    code = "not_ready"


class IndexEmpty(StorageError):
    """Nothing has been ingested yet."""

    code = "index_empty"


class IndexMismatch(StorageError):
    """The index was made by another model, chunking or schema version."""

    code = "index_mismatch"


class IndexNewer(IndexMismatch):
    """The index is of a later schema version than this program knows."""


class IndexBusy(StorageError):
    """Another process is writing to the data folder."""

    code = "index_busy"


class IndexCorrupt(StorageError):
    """What is stored contradicts itself."""


class VectorsUnreachable(StorageError):
    """The server that holds the vectors does not answer now."""

    retry_after = 5


class ModelError(RagError):
    """Base of what can be wrong with a model."""

    code = "not_ready"


class ModelMissing(ModelError):
    """No weights were found, and none may be fetched."""


class ModelInvalid(ModelError):
    """Weights or configuration that are not what they should be."""


class NoLanguageModel(RagError):
    """Generative mode was asked for and no LLM is configured."""

    code = "no_llm"


class LanguageModelError(RagError):
    """A configured LLM did not write what was asked of it. The message may be shown: it holds no key and no address."""


class KeysUnreadable(RagError):
    """The file of API keys cannot be read or written. Its message names the file, so strangers are not told."""


class TooBusy(RagError):
    """As many questions are being answered, and waiting, as may; `retry_after` seconds from now it may be better."""

    code = "too_busy"

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DeadlineExceeded(RagError):
    """An answer took longer than it may."""

    code = "timed_out"


class OpenToAll(RagError):
    """Serving beyond this machine without keys, which nobody has allowed."""

    code = "open_to_all"


class AddressInUse(RagError):
    """The address to serve on is taken or not allowed."""

    code = "address_in_use"
