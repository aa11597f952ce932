"""What can go wrong while a model answers: which errors mean that memory ran out, and how a failed item is worded."""

_OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "no available memory",
    "not enough memory",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a smaller batch may help: torch's own errors on GPUs and CPUs, vLLM's at start, and Python's."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError | ValueError) and any(each in str(error).lower() for each in _OUT_OF_MEMORY)


def out_of_time(limit: float) -> str:
    return f"no answer within {limit:g} s (--time-limit)"
