"""The `[classifier]` table of the config."""

from pathlib import Path
from typing import Annotated, Literal

from lingua import IsoCode639_1
from pydantic import BaseModel, ConfigDict, Field, field_validator

from classifiers.labels import Label


class Settings(BaseModel):
    """How texts are scored. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str = Field("encoder", description="The classifier: the name of its file in classifiers/.")
    folder: Path | None = Field(None, description="Folder of the weights. Left out, the shipped ones are used.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where to compute: auto takes a GPU where there is one."
    )
    languages: tuple[str, ...] = Field(
        ("en",),
        description="Languages that are assessed, as ISO 639-1 codes. The shipped model reads English.",
    )
    base_rate: dict[Label, Annotated[float, Field(gt=0, lt=1)]] = Field(
        default_factory=dict,
        description="Share of your comments that carry a label, such as harassment = 0.03. Probabilities and "
        "promises are moved to it; a label left out keeps the share of the rows it was calibrated on. Crisis always "
        "does: being rare is no reason to overlook one.",
    )
    batch_tokens: int = Field(
        512, ge=1, description="Tokens scored in one pass, padding included. More needs more memory."
    )
    max_tokens: int = Field(
        256, ge=16, le=512, description="Tokens read at a time. A longer comment is read in parts; the surest counts."
    )
    hub_id: str | None = Field(
        None, description="For name = huggingface: a model of the Hugging Face hub, in place of a folder."
    )
    revision: str | None = Field(
        None,
        description="For a hub_id: the full commit hash to pin. A branch or tag can change and is refused.",
    )
    label_map: dict[str, Label] = Field(
        default_factory=dict,
        description="For name = huggingface: the model's own label names to ours, like toxic = harassment.",
    )

    @field_validator("languages")
    @classmethod
    def _known(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        for code in codes:
            if len(code) != 2 or not code.islower() or not hasattr(IsoCode639_1, code.upper()):
                raise ValueError(f"{code!r} is no ISO 639-1 code of a language that can be told, such as en or es")
        return codes
