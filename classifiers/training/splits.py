"""Which writer is held out when: every row is scored once by a model that never saw its writer.

Those who wrote on one theme stand in different folds, as far as there are enough folds. Sets that share texts or people
stand together.
"""

from collections.abc import Iterable

from classifiers.training.rows import Row

FOLDS: tuple[frozenset[str], ...] = (
    frozenset(
        {
            "authored/crisis",
            "corpus/harassment",
            "corpus/everyday",
            "corpus/groups",
            "corpus/facts",
            "corpus/crisis-3",
            "corpus/alarms",
            "corpus/solicitation-2",
            "corpus/told",
            "replies/held-out-2",
            "replies/surgery",
            "replies/counter",
            "replies/community",
            "relabelled/illness",
            "relabelled/medqa_lasse",
            "relabelled/toxic_spans_comments",
            "relabelled/scamspot",
            "relabelled/scamspot_raw",
            "relabelled/goemotions",
            "relabelled/counsel_chat",
            "relabelled/covid_rumor",
        }
    ),
    frozenset(
        {
            "authored/harassment",
            "authored/requests-disclosures",
            "corpus/misinformation-solicitation",
            "corpus/plain",
            "corpus/crisis-2",
            "corpus/harassment-3",
            "corpus/everyday-2",
            "corpus/clinical",
            "replies/sentences",
            "replies/development",
            "replies/held-out",
            "replies/ward",
            "replies/head-office",
            "relabelled/wnut17_raw",
            "relabelled/edos",
            "relabelled/online_misogyny",
            "relabelled/hatemoji_build",
            "relabelled/druglib",
            "relabelled/youtube_spam",
            "relabelled/reddit_health_misinfo",
            "relabelled/fullfact_claims",
        }
    ),
    frozenset(
        {
            "authored/misinformation-solicitation",
            "corpus/crisis",
            "corpus/requests-disclosures",
            "corpus/harassment-2",
            "corpus/crisis-4",
            "corpus/groups-2",
            "corpus/misinformation-2",
            "replies/front-desk",
            "replies/clinic",
            "replies/reviews",
            "replies/clinicians",
            "relabelled/nhs_feedback",
            "relabelled/covid_rumor_comments",
            "relabelled/meqsum",
            "relabelled/psytar_posts",
            "relabelled/cad",
            "relabelled/davidson",
            "relabelled/toxigen_human",
            "relabelled/sms_spam",
            "relabelled/fox_news",
            "relabelled/implicit_hate_subset",
        }
    ),
)


def held_out(rows: Iterable[Row], fold: int) -> list[Row]:
    """The rows that the model of this fold never sees. Raises ValueError on a writer who is in no fold."""
    rows = list(rows)
    strangers = {row.writer for row in rows if not row.public} - frozenset().union(*FOLDS)
    if strangers:
        raise ValueError(f"add these writers to a fold in splits.py: {sorted(strangers)}")
    return [row for row in rows if row.writer in FOLDS[fold]]
