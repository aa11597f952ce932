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


def no_room(written: int, budget: int, length: int) -> str:
    """An answer that was cut off before its budget, as prompt and answer together are as long as they may be."""
    return f"cut off after {written} of {budget} tokens: prompt and answer have room for {length} (--max-model-len)"


def reason_of(error: BaseException) -> str:
    """What is wrong, on one line: a validation's own words, else the last line, where libraries put the cause."""
    problems = getattr(error, "errors", None)
    if callable(problems) and hasattr(error, "error_count"):  # A ValidationError of pydantic ends in an address.
        found = "; ".join(str(each["msg"]).removeprefix("Value error, ") for each in problems())
        return " ".join(found.split())
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)
