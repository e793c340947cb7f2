"""Some at a time: what Python has as `itertools.batched` from 3.12 on."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items in their order, the last with what is left; no more are taken than are yielded."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
