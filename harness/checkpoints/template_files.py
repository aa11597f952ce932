"""Template files: where a checkpoint's folder has its chat template and its special tokens, read as transformers does.

Of several named templates it is the one called "default".
"""

from pathlib import Path
from typing import Any

from harness.checkpoints.scan import CheckpointError, read_json
from harness.checkpoints.templates import MAX_TEMPLATE

TEMPLATE_FILE = "chat_template.jinja"
_SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
# Where a template may be, in the order in which it counts: with a processor, and with a tokenizer alone.
_WITH_PROCESSOR = ("processor_config.json", "chat_template.json", TEMPLATE_FILE, "tokenizer_config.json")
_WITH_TOKENIZER = (TEMPLATE_FILE, "tokenizer_config.json", "chat_template.json")


def template_of(folder: Path) -> str | None:
    """The chat template of a checkpoint's folder, None where it has none; ``CheckpointError`` where it is no text."""
    processed = any((folder / name).is_file() for name in ("preprocessor_config.json", "processor_config.json"))
    for name in _WITH_PROCESSOR if processed else _WITH_TOKENIZER:
        path = folder / name
        if not path.is_file():
            continue
        source = read_template(path) if name == TEMPLATE_FILE else _default(path, read_json(path).get("chat_template"))
        if source is not None:
            return source
    return None


def read_template(path: Path) -> str:
    """The chat template in a file of its own."""
    if path.exists() and not path.is_file():  # A pipe or a device may have no end.
        raise CheckpointError(f"{path}: not a plain file; name the file of a chat template")
    try:
        if path.stat().st_size > MAX_TEMPLATE:
            raise CheckpointError(f"{path}: {path.stat().st_size:,} bytes is more than a chat template may have")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path}: not UTF-8 (byte {error.start})") from error
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read as a chat template ({error.strerror or error})") from error


def special_tokens(folder: Path) -> dict[str, str]:
    """The special tokens that a template may use, by their name.

    Older checkpoints have them in ``special_tokens_map.json``, which counts where ``tokenizer_config.json`` does not
    list its added tokens.
    """
    config = _optional_json(folder / "tokenizer_config.json")
    if "added_tokens_decoder" not in config:
        config |= _optional_json(folder / "special_tokens_map.json")
    tokens = {name: _token_text(config.get(name)) for name in _SPECIAL}
    return {name: token for name, token in tokens.items() if token is not None}


def adds_bos(folder: Path) -> bool:
    """Whether the folder's configuration asks for a BOS before every text (``add_bos_token``)."""
    return _optional_json(folder / "tokenizer_config.json").get("add_bos_token") is True


def _optional_json(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}


def _default(path: Path, stated: Any) -> str | None:
    """The template that a file states: one, or of several by name the default one."""
    if isinstance(stated, list):
        stated = {each["name"]: each.get("template") for each in stated if isinstance(each, dict) and "name" in each}
    if isinstance(stated, dict):
        if not isinstance(stated.get("default"), str):
            names = ", ".join(map(str, stated))[:200] or "none"
            raise CheckpointError(
                f"{path}: chat_template has no template called default (it has {names}); save the one to be used as a "
                "file and name it with --chat-template FILE"
            )
        stated = stated["default"]
    return _text(stated) if isinstance(stated, str) else None


def _token_text(token: Any) -> str | None:
    if isinstance(token, dict):
        token = token.get("content")
    return _text(token) if isinstance(token, str) else None


def _text(value: str) -> str:
    return value.encode(errors="replace").decode()  # JSON may contain half a surrogate pair, which is not valid text.
