"""Arrow text columns as plain buffers that kernels read in place."""

import numpy as np
import pyarrow as pa

from stillwatch.events.kernels.types import Texts


def text_view(array: pa.Array) -> Texts:
    """View a column of text without copying its bytes; a null reads as an empty text."""
    if not pa.types.is_string(array.type) and not pa.types.is_large_string(array.type):
        array = array.cast(pa.large_string())
    if array.null_count:
        array = array.fill_null("")
    width = np.int64 if pa.types.is_large_string(array.type) else np.int32
    _, offsets, data = array.buffers()
    if len(array) == 0 or offsets is None:
        return Texts(np.frombuffer(b"", np.uint8), np.zeros(1, np.int64))
    start = array.offset
    ends = np.frombuffer(offsets, width)[start : start + len(array) + 1].astype(np.int64)
    return Texts(np.frombuffer(data if data is not None else b"", np.uint8), ends)
