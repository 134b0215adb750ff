"""The account that is measured, and the classifier's place taken: a comment is what its first word says."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.config import Config
from classifiers.labels import Assessment, Label
from classifiers.pipeline import Text

LABELS = {
    "abuse": Label.HARASSMENT, "seller": Label.SOLICITATION, "rumour": Label.MISINFORMATION,
    "ask": Label.DIAGNOSIS_REQUEST,
}  # fmt: skip
RULES: dict[str, dict[str, Any]] = {
    "harassment": {"do": ["hide"], "severity": "high"},
    "solicitation": {"do": ["hide"], "severity": "normal"},
    "misinformation": {"do": ["hide"], "severity": "low"},
    "diagnosis_request": {"do": ["warn"]},
}


class Stub:
    """Finds what the first word says."""

    model = "stub-1"

    def assess(self, texts: Sequence[Text]) -> list[Assessment]:
        return [Assessment(self.model, dict.fromkeys(Label, 0.01) | _found(it.text)) for it in texts]

    def line(self, label: Label, when_right: float) -> float:
        return 0.95 if when_right > 0.9 else 0.5

    def tells(self, reply: str) -> float | None:
        return None


def _found(text: str) -> dict[Label, float]:
    words = [word for word in text.split() if not word.startswith("@")]
    label = LABELS.get(words[0]) if words else None
    return {label: 0.99} if label else {}


def config(folder: Path, **settings: Any) -> Config:
    rules = {name: {**rule, "budget_per_day": 10**6} for name, rule in RULES.items()}
    generous: dict[str, Any] = {
        "reads_per_day": 10**6,
        "posts_per_day": 10**6,
        "dollars_per_day": 1e6,
        "look_back_hours": 168,
    }
    one = {
        "name": "bench", "platform": "x", "mode": "live", "country": "GB",
        "settings": {"handle": "clinic", "call_seconds": 10.0, "silence_seconds": 3.0} | generous | settings,
    }  # fmt: skip
    store = {"path": folder / "bench.sqlite3", "key_file": folder / "bench.key"}
    return Config.model_validate({"store": store, "rules": rules, "accounts": [one]})
