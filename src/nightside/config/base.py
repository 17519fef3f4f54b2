"""What every section of the configuration has in common: strictness, and errors that help."""

from __future__ import annotations

import difflib
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names the file, the key and the remedy."""


class Section(BaseModel):
    """A frozen section of the configuration in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)


def explain(error: ValidationError, model: type[BaseModel], where: str) -> ConfigError:
    """Turn a pydantic error into one line for each fault, naming the nearest valid key for a misspelt one."""
    lines = []
    for fault in error.errors():
        path = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            known = _keys_at(model, fault["loc"][:-1])
            near = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'?" if near else f"valid keys here: {', '.join(known)}"
            lines.append(f"{path}: no such key; {hint}")
        else:
            lines.append(f"{path or 'the whole file'}: {fault['msg']} (got {fault['input']!r:.80})")
    return ConfigError(f"{where}: {len(lines)} fault(s) in the configuration\n  " + "\n  ".join(lines))


def _keys_at(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    current: type[BaseModel] | None = model
    for part in path:
        field = current.model_fields.get(str(part)) if current else None
        current = _section_of(field.annotation) if field else None
    return list(current.model_fields) if current else []


def _section_of(annotation: Any) -> type[BaseModel] | None:
    candidates = [annotation, *getattr(annotation, "__args__", ())]
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
