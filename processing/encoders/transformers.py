"""Any sentence-transformers model by name, for those who have a network or a GPU (the extra `transformers`)."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from processing.encoder import SENTENCE_TRANSFORMERS, Encoded, EncoderError, Floats, Role, Tokens, encodable, unit_rows


class SentenceTransformer:
    """`name` is `sentence-transformers:` and what that library loads: a model's public name or a folder.

    A model that comes with prompts named `query` and `document` gets them for claims and passages.
    """

    token_dimensions = 0
    _PROMPTS: dict[Role, str] = {"claim": "query", "passage": "document"}  # noqa: RUF012 - never changed

    def __init__(self, name: str) -> None:
        """Load nothing yet.

        Raises:
            EncoderError: the library is not installed.
        """
        self.name = name
        try:
            import sentence_transformers  # noqa: PLC0415 - optional
        except ImportError as error:
            raise EncoderError(
                f"{name} needs the library sentence-transformers; pip install 'narrawatch[transformers]'"
            ) from error
        self._library = sentence_transformers

    @property
    def dimensions(self) -> int:
        return int(self._model.get_embedding_dimension())

    def encode(self, texts: Sequence[str], role: Role = "passage") -> Floats:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        cut = [encodable(text) for text in texts]
        filled = [number for number, text in enumerate(cut) if text]
        if filled:
            prompt = self._PROMPTS[role] if self._PROMPTS[role] in self._model.prompts else None
            vectors[filled] = self._model.encode(
                [cut[number] for number in filled], prompt_name=prompt, show_progress_bar=False
            )
        return unit_rows(vectors)

    def encode_with_tokens(self, texts: Sequence[str], role: Role) -> Encoded:
        return Encoded(self.encode(texts, role), tuple(Tokens.none(0) for _ in texts))

    def lengths(self, texts: Sequence[str]) -> list[int]:
        tokenizer = self._model.tokenizer
        return [len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in map(encodable, texts)]

    @cached_property
    def _model(self) -> Any:
        source = self.name.removeprefix(SENTENCE_TRANSFORMERS)
        try:
            return self._library.SentenceTransformer(source)
        except (OSError, ValueError) as error:
            raise EncoderError(f"{self.name} cannot be loaded: {error}"[:300].replace("\n", " ")) from error
