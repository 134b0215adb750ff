"""Which writer is held out when: every row is scored once by a model that never saw its writer.

Those who wrote on one theme are shared out between the folds. Sets that share texts or people stand together.
"""

from collections.abc import Iterable

from classifiers.training.rows import Row

FOLDS: tuple[frozenset[str], ...] = (
    frozenset(
        {
            "authored/crisis",
            "authored/misinformation-solicitation",
            "corpus/crisis-3",
            "corpus/crisis-4",
            "corpus/alarms",
            "corpus/harassment",
            "corpus/harassment-2",
            "corpus/harassment-4",
            "corpus/harassment-5",
            "corpus/groups",
            "corpus/facts",
            "corpus/misinformation-3",
            "corpus/solicitation-2",
            "corpus/told",
            "corpus/everyday",
            "corpus/plain",
            "corpus/mixed",
            "replies/held-out-2",
            "replies/surgery",
            "replies/counter",
            "replies/community",
            "replies/front-desk",
            "replies/reviews",
            "replies/clinic",
            "relabelled/illness",
            "relabelled/medqa_lasse",
            "relabelled/toxic_spans_comments",
            "relabelled/scamspot",
            "relabelled/scamspot_raw",
            "relabelled/goemotions",
            "relabelled/counsel_chat",
            "relabelled/covid_rumor",
            "relabelled/cad",
            "relabelled/psytar_posts",
            "relabelled/meqsum",
            "relabelled/davidson",
            "relabelled/sms_spam",
        }
    ),
    frozenset(
        {
            "authored/harassment",
            "authored/requests-disclosures",
            "corpus/crisis",
            "corpus/crisis-2",
            "corpus/crisis-5",
            "corpus/harassment-3",
            "corpus/harassment-6",
            "corpus/groups-2",
            "corpus/misinformation-solicitation",
            "corpus/misinformation-2",
            "corpus/solicitation-3",
            "corpus/clinical",
            "corpus/requests-disclosures",
            "corpus/requests-2",
            "corpus/everyday-2",
            "replies/sentences",
            "replies/development",
            "replies/held-out",
            "replies/ward",
            "replies/head-office",
            "replies/clinicians",
            "relabelled/wnut17_raw",
            "relabelled/edos",
            "relabelled/online_misogyny",
            "relabelled/hatemoji_build",
            "relabelled/druglib",
            "relabelled/youtube_spam",
            "relabelled/reddit_health_misinfo",
            "relabelled/fullfact_claims",
            "relabelled/nhs_feedback",
            "relabelled/covid_rumor_comments",
            "relabelled/toxigen_human",
            "relabelled/implicit_hate_subset",
            "relabelled/fox_news",
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
