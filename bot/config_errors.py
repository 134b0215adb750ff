"""What is wrong in the config, told to whoever wrote it, without quoting a value."""

from typing import Any

from pydantic import BaseModel, ValidationError

from bot.near import nearest


def told(error: ValidationError, model: type[BaseModel], prefix: str = "") -> str:
    """A line a key, with the near miss of an unknown one; `prefix` is the path of the model in the file."""
    lines = []
    errors = error.errors(include_input=False, include_url=False)
    roots = {each["loc"][:1] for each in errors if len(each["loc"]) > 1}
    for each in errors:
        if each["type"] == "too_short" and each["loc"] in roots:
            continue  # its only entry is what is wrong, and is told below
        where = prefix + ".".join(str(part) for part in each["loc"])
        if each["type"] == "extra_forbidden":
            known = _keys(model, each["loc"][:-1])
            lines.append(f"  {where}: there is no such key{nearest(str(each['loc'][-1]), known)}")
        elif each["type"] == "string_pattern_mismatch" and each["loc"][-1] == "country":
            lines.append(f"  {where}: two capital letters, such as GB")
        else:
            lines.append(f"  {where}: {each['msg']}")
    return "\n".join(lines)


def _keys(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """The keys a table may have, by walking down from the model."""
    for part in path:
        field = model.model_fields.get(str(part))
        if field is not None:
            model = inner_model(field.annotation) or model
    return list(model.model_fields)


def inner_model(annotation: Any) -> type[BaseModel] | None:
    """The model inside an annotation such as `tuple[Account, ...]`, if there is one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        if found := inner_model(inner):
            return found
    return None
