"""Any Hugging Face sequence-classification model in place of the shipped one.

    [classifier]
    name = "huggingface"
    folder = "/models/toxicity"                  # or hub_id = "owner/model" with revision = "the full commit hash"
    label_map = { toxic = "harassment" }

A folder may hold a `calibration.json` (see calibration.py); without one, probabilities are the model's own and make no
promise, so that a person is asked wherever a promise is wanted. Only safetensors are read: other formats can run code.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from classifiers.base import Scored
from classifiers.batching import parts, passes
from classifiers.calibration import Calibration, Curve
from classifiers.errors import ModelUnavailable
from classifiers.labels import Label
from classifiers.settings import Settings

COMMIT = re.compile(r"[0-9a-f]{40}")
READ = ("*.safetensors", "*.json", "*.txt", "*.model")  # what decides a score


@dataclass(frozen=True, slots=True)
class HuggingFace:
    """A loaded model. `outputs` are the places of its logits that speak for each of our labels."""

    model: Any
    tokenizer: Any
    outputs: Mapping[Label, tuple[int, ...]]
    calibration: Calibration
    revision: str
    batch_tokens: int
    max_tokens: int

    @property
    def labels(self) -> tuple[Label, ...]:
        return tuple(self.outputs)

    def score(self, texts: Sequence[str], parents: Sequence[str | None]) -> list[Scored]:
        """A label's logit is that of the likeliest output that speaks for it. No spans; `parents` are not read."""
        if not texts:
            return []
        encoded = self.tokenizer(list(texts), truncation=False, verbose=False)["input_ids"]
        read = [(i, part) for i, tokens in enumerate(encoded) for part in parts(tokens, self.max_tokens)]
        scored: dict[int, Scored] = {}
        for group in passes([len(part) for _, part in read], self.batch_tokens):
            for at, row in zip(group, self._pass([read[at][1] for at in group]), strict=True):
                part = Scored({label: max(row[place] for place in places) for label, places in self.outputs.items()})
                i = read[at][0]
                scored[i] = scored[i].joined(part) if i in scored else part
        return [scored[i] for i in range(len(texts))]

    @torch.inference_mode()
    def _pass(self, ids: Sequence[Sequence[int]]) -> list[list[float]]:
        batch = self.tokenizer.pad({"input_ids": ids}, return_tensors="pt").to(self.model.device)
        logits = self.model(**batch).logits.float().cpu()
        if _exclusive(self.model.config):
            probabilities = logits.double().softmax(dim=1).clamp(1e-9, 1 - 1e-9)
            logits = probabilities.logit()
        rows: list[list[float]] = logits.tolist()
        return rows


def load(settings: Settings) -> HuggingFace:
    """Raises ModelUnavailable."""
    source, revision = _source(settings)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, revision=revision)
        model, report = AutoModelForSequenceClassification.from_pretrained(
            source, revision=revision, use_safetensors=True, output_loading_info=True
        )
    except Exception as error:  # transformers raises anything from OSError to ImportError
        raise ModelUnavailable(f"cannot load {source}: {error}; mend [classifier]") from error
    if report["missing_keys"]:
        raise ModelUnavailable(
            f"{source} is no sequence classifier: it lacks {', '.join(sorted(report['missing_keys']))}"
        )
    outputs = _outputs(model.config.id2label, settings.label_map, source)
    return HuggingFace(
        model.eval().to(_device(settings.device)),
        tokenizer,
        outputs,
        _calibration(settings, outputs),
        f"huggingface-{revision[:12] if revision else _digest(Path(source))}",
        settings.batch_tokens,
        min(settings.max_tokens, tokenizer.model_max_length),
    )


def _source(settings: Settings) -> tuple[str, str | None]:
    """Folder or hub id, and the commit of the latter."""
    if settings.folder and not settings.hub_id:
        if not settings.folder.is_dir():
            raise ModelUnavailable(f"{settings.folder} is no folder; mend `folder` in [classifier]")
        return str(settings.folder), None
    if not settings.hub_id or settings.folder:
        raise ModelUnavailable("name = huggingface needs either a folder or a hub_id in [classifier]")
    if not COMMIT.fullmatch(settings.revision or ""):
        raise ModelUnavailable(f"{settings.hub_id}: set `revision` to the full commit hash, so that it cannot change")
    return settings.hub_id, settings.revision


def _outputs(names: Mapping[int, str], label_map: Mapping[str, Label], source: str) -> dict[Label, tuple[int, ...]]:
    places = {name: place for place, name in names.items()}
    if not label_map or not label_map.keys() <= places.keys():
        raise ModelUnavailable(f"{source} has the labels {', '.join(places)}: map those wanted in `label_map`")
    ours = sorted(set(label_map.values()), key=list(Label).index)
    return {label: tuple(places[name] for name, mine in label_map.items() if mine is label) for label in ours}


def _calibration(settings: Settings, labels: Sequence[Label] | Mapping[Label, Any]) -> Calibration:
    path = settings.folder / "calibration.json" if settings.folder else None
    if path is None or not path.exists():  # as it is: stating a base rate moves nothing, for none is known
        return Calibration({label: Curve(1, 0, settings.base_rate.get(label, 0.5)) for label in labels})
    calibration = Calibration.from_json(path.read_bytes())
    if missing := set(labels) - calibration.curves.keys():
        raise ModelUnavailable(f"{path} says nothing of {', '.join(sorted(missing))}")
    return calibration


def _exclusive(config: Any) -> bool:
    """Whether exactly one of the model's labels is right of each text (softmax), or each by itself (sigmoid)."""
    return bool(config.num_labels > 1 and config.problem_type != "multi_label_classification")


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted({path for pattern in READ for path in folder.glob(pattern)}):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
