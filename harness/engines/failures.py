"""What can go wrong while a model answers: which errors mean that memory ran out, or that the processor lacks a kernel,
and how a failed item is worded."""

import re

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


def without_kernel(error: BaseException) -> str | None:
    """What to do where torch finds no operator of a name; None for any other error.

    vLLM's CPU wheels hold a library for processors without AVX-512, which lacks kernels that the others have, those of
    weights of four bits among them; vLLM asks for them all the same.
    """
    found = re.search(r"'_OpNamespace' '\w+' object has no attribute '(\w+)'", str(error))
    if not isinstance(error, AttributeError) or found is None:
        return None
    return f"has no kernel {found[1]} for this processor (a CPU without AVX-512 lacks some); use --engine transformers"


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
