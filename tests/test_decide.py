"""The table of decisions: what is found, what is known, what becomes of it."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.config import Rules, WhenNotAssessed, policy
from bot.decide import Facts, decide
from bot.history import Today
from bot.model import AuthorKind, Decision, Reason, Severity, Step, Verb, Verdict
from bot.rules import DisclosureRule, Do, Policy, Rule
from classifiers.labels import Assessment, Label, NotAssessed

H, D, P, C, S = (
    Label.HARASSMENT,
    Label.DIAGNOSIS_REQUEST,
    Label.HEALTH_DISCLOSURE,
    Label.CRISIS,
    Label.SOLICITATION,
)
HIDE, MUTE = Step(Verb.HIDE), Step(Verb.MUTE)
ANSWER = Step(Verb.REPLY, template="diagnosis_request")
PART = NotAssessed.LANGUAGE
ANSWERED = frozenset({"diagnosis_request"})


def shipped_policy(rules: Rules | None = None, act: float | None = 0.9) -> Policy:
    return policy(rules or Rules(), WhenNotAssessed(), lambda _label, when_right: act if when_right > 0.9 else 0.5)


def seen(**found: float) -> Assessment:
    return Assessment("test-1", dict.fromkeys(Label, 0.01) | {Label(name): p for name, p in found.items()})


def decided(assessment: Assessment, facts: Facts | None = None, rules: Policy | None = None) -> Decision:
    return decide(assessment, facts or Facts(), rules or shipped_policy())


TABLE = [
    ("nothing found is left alone", seen(), Facts(), Verdict.LEAVE, None, ()),
    ("a part not read: nothing in the rest", replace(seen(), reason=PART), Facts(), Verdict.ASK, Reason.LANGUAGE, ()),
    ("a part not read: nothing is done alone", replace(seen(harassment=0.95, diagnosis_request=0.95), reason=PART),
     Facts(said_in_thread=ANSWERED), Verdict.ASK, Reason.FLAGGED, ()),
    ("a part not read: a crisis in the rest", replace(seen(crisis=0.5), reason=PART), Facts(),
     Verdict.ASK, Reason.FLAGGED, ()),
    ("a part not read: of our own side", replace(seen(harassment=0.95), reason=PART), Facts(AuthorKind.STAFF),
     Verdict.ASK, Reason.STAFF, ()),
    ("just below the ask line is left alone", seen(harassment=0.499), Facts(), Verdict.LEAVE, None, ()),
    ("at the ask line a person is asked", seen(harassment=0.5), Facts(), Verdict.ASK, Reason.FLAGGED, ()),
    ("just below the act line a person is asked", seen(harassment=0.899), Facts(), Verdict.ASK, Reason.FLAGGED, ()),
    ("at the act line it acts", seen(harassment=0.9), Facts(), Verdict.ACT, Reason.ACTED, (HIDE,)),
    ("a request is answered", seen(diagnosis_request=0.95), Facts(), Verdict.ACT, Reason.ACTED, (ANSWER,)),
    ("a disclosure only asks", seen(health_disclosure=0.99), Facts(), Verdict.ASK, Reason.FLAGGED, ()),
    ("acts on one and asks about another", seen(diagnosis_request=0.95, health_disclosure=0.8), Facts(),
     Verdict.ACT, Reason.FLAGGED, (ANSWER,)),
    ("what is hidden is not also answered", seen(harassment=0.95, diagnosis_request=0.95), Facts(),
     Verdict.ACT, Reason.ACTED, (HIDE,)),
    ("crisis is asked about", seen(crisis=0.99), Facts(), Verdict.ASK, Reason.FLAGGED, ()),
    ("crisis is never hidden, whatever else it is", seen(crisis=0.5, harassment=0.99), Facts(),
     Verdict.ASK, Reason.FLAGGED, ()),
    ("a request that names a red flag is answered, and called for", seen(diagnosis_request=0.95, harassment=0.95),
     Facts(red_flag=True), Verdict.ACT, Reason.RED_FLAG, (ANSWER,)),
    ("a crisis that asks and names a red flag is answered too", seen(crisis=0.5, diagnosis_request=0.95),
     Facts(red_flag=True), Verdict.ASK, Reason.FLAGGED, (ANSWER,)),
    ("but only once in a thread", seen(crisis=0.5, diagnosis_request=0.95),
     Facts(red_flag=True, said_in_thread=ANSWERED), Verdict.ASK, Reason.FLAGGED, ()),
    ("an unsure request that names a red flag calls a person", seen(diagnosis_request=0.5), Facts(red_flag=True),
     Verdict.ASK, Reason.RED_FLAG, ()),
    ("a red flag in what asks for nothing is no emergency", seen(), Facts(red_flag=True), Verdict.LEAVE, None, ()),
    ("our own side is only shown", seen(solicitation=0.9), Facts(AuthorKind.STAFF), Verdict.ASK, Reason.STAFF, ()),
    ("our own side tells of somebody's health", seen(health_disclosure=0.9), Facts(AuthorKind.STAFF),
     Verdict.ASK, Reason.BREACH, ()),
    ("our own side is never acted on", seen(harassment=0.99), Facts(AuthorKind.STAFF), Verdict.ASK, Reason.STAFF, ()),
    ("our own side, clean, is left alone", seen(), Facts(AuthorKind.STAFF), Verdict.LEAVE, None, ()),
    ("a second redirect in a thread is not sent", seen(diagnosis_request=0.95), Facts(said_in_thread=ANSWERED),
     Verdict.LEAVE, None, ()),
    ("whoever was told something else is asked about", seen(diagnosis_request=0.95),
     Facts(said_in_thread=frozenset({""})), Verdict.ASK, Reason.FLAGGED, ()),
    ("whoever was warned is still hidden", seen(harassment=0.95), Facts(said_in_thread=ANSWERED),
     Verdict.ACT, Reason.ACTED, (HIDE,)),
    ("a spent budget asks", seen(harassment=0.95), Facts(acted_today={H: 50}), Verdict.ASK, Reason.BUDGET, ()),
    ("another label's budget is its own", seen(harassment=0.95), Facts(acted_today={S: 50}),
     Verdict.ACT, Reason.ACTED, (HIDE,)),
    ("overturned too often asks", seen(harassment=0.95), Facts(overturned_today={H: 3}),
     Verdict.ASK, Reason.OVERTURNED, ()),
    ("a paused label asks", seen(harassment=0.95), Facts(paused=frozenset({H})), Verdict.ASK, Reason.PAUSED, ()),
    ("a paused label does not stop another", seen(solicitation=0.95), Facts(paused=frozenset({H})),
     Verdict.ACT, Reason.ACTED, (HIDE,)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "assessment", "facts", "verdict", "reason", "steps"), TABLE, ids=[t[0] for t in TABLE]
)
def test_the_table(
    what: str, assessment: Assessment, facts: Facts, verdict: Verdict, reason: Reason | None, steps: tuple[Step, ...]
) -> None:
    made = decided(assessment, facts)
    assert (made.verdict, made.reason, made.steps) == (verdict, reason, steps)
    assert made.rule
    assert made.why


def test_why_is_told_in_plain_words() -> None:
    assert decided(seen(harassment=0.9999)).why == (
        "harassment (99.9% sure); from 90.0% on it is right at least 98 times in 100"
    )
    assert decided(seen(harassment=0.8)).why == (
        "harassment (80.0% sure); only from 90.0% on is it right at least 98 times in 100"
    )


@pytest.mark.parametrize("reason", NotAssessed)
def test_what_was_not_assessed_is_never_clean(reason: NotAssessed) -> None:
    made = decided(Assessment("test-1", {}, (), reason))
    assert made.rule == f"not_assessed.{reason}"
    assert made.verdict is (Verdict.LEAVE if reason is NotAssessed.WORDLESS else Verdict.ASK)


def test_crisis_found_by_the_word_list_needs_no_model() -> None:
    made = decided(Assessment("no-model", {C: 0.6}, (), NotAssessed.MODEL_DOWN))
    assert (made.verdict, made.severity, made.label) == (Verdict.ASK, Severity.CRISIS, C)


@pytest.mark.parametrize("reason", NotAssessed)
def test_a_line_drawn_for_the_model_does_not_switch_the_word_list_off(reason: NotAssessed) -> None:
    strict = policy(Rules(), WhenNotAssessed(), lambda _label, _when_right: 0.85)
    made = decided(Assessment("no-model", {C: 0.63}, (), reason), rules=strict)
    assert (made.severity, made.label) == (Severity.CRISIS, C)
    assert decided(seen(crisis=0.63), rules=strict).verdict is Verdict.LEAVE


@pytest.mark.parametrize(
    ("author", "severity"), [(AuthorKind.PUBLIC, Severity.CRISIS), (AuthorKind.STAFF, Severity.HIGH)]
)
def test_a_red_flag_calls_without_the_model_unless_it_is_our_own_side_that_teaches(
    author: AuthorKind, severity: Severity
) -> None:
    made = decided(Assessment("no-model", {}, (), NotAssessed.MODEL_DOWN), Facts(author, red_flag=True))
    assert (made.verdict, made.severity) == (Verdict.ASK, severity)


def test_where_data_is_too_thin_a_person_is_asked() -> None:
    assert decided(seen(harassment=0.9999), rules=shipped_policy(act=None)).verdict is Verdict.ASK


def test_what_is_done_counts_for_the_label_whose_rule_wanted_it() -> None:
    made = decided(seen(solicitation=0.95, health_disclosure=0.8))
    assert made.label is P  # a person is asked about this one
    assert [step.label for step in made.steps] == [S]
    day = Today()
    day.count(SimpleNamespace(author_key="a", thread="t"), made)  # type: ignore[arg-type]
    assert day.acted == {S: 1}


def test_a_repeat_offender_is_looked_at_sooner() -> None:
    first = decided(seen(solicitation=0.6))
    fourth = decided(seen(solicitation=0.6), Facts(earlier_findings=3))
    assert fourth.severity > first.severity


def test_the_gravest_label_names_the_decision() -> None:
    assert decided(seen(solicitation=0.6, harassment=0.6)).label is H


def test_a_rule_may_do_several_things() -> None:
    rules = Rules(harassment=Rule(do=(Do.HIDE, Do.WARN, Do.MUTE)))
    verbs = [step.verb for step in decided(seen(harassment=0.95), rules=shipped_policy(rules)).steps]
    assert verbs == [Verb.REPLY, Verb.HIDE, Verb.MUTE]  # words come first: some platforms take none once it is hidden


def test_what_is_hidden_is_not_also_answered_but_whoever_wrote_it_is_muted() -> None:
    rules = Rules(harassment=Rule(do=(Do.MUTE, Do.WARN)), solicitation=Rule(do=(Do.HIDE,)))
    made = decided(seen(harassment=0.95, solicitation=0.95), rules=shipped_policy(rules))
    assert made.steps == (MUTE, HIDE)


NOT_CALLED_FOR = [
    ("harassment", {"harassment": 0.95}, Rules(harassment=Rule(do=(Do.HIDE, Do.WARN))), H),
    ("a disclosure", {"health_disclosure": 0.95}, Rules(health_disclosure=DisclosureRule(do=(Do.HIDE,))), P),
    ("the request itself", {}, Rules(diagnosis_request=Rule(do=(Do.WARN, Do.HIDE))), D),
]


@pytest.mark.parametrize(("what", "found", "rules", "label"), NOT_CALLED_FOR, ids=[it[0] for it in NOT_CALLED_FOR])
def test_a_sign_of_an_emergency_is_answered_and_not_hidden_where_nobody_is_called(
    what: str, found: dict[str, float], rules: Rules, label: Label
) -> None:
    quiet = replace(shipped_policy(rules), red_flags_call=False)
    made = decided(seen(diagnosis_request=0.95, **found), Facts(red_flag=True), quiet)
    assert (made.verdict, made.reason, made.steps, made.label) == (Verdict.ACT, Reason.FLAGGED, (ANSWER,), label), what


@pytest.mark.parametrize("do", [Do.WARN, Do.NUDGE])
def test_whoever_goes_on_after_a_warning_is_asked_about(do: Do) -> None:
    warns = shipped_policy(Rules(harassment=Rule(do=(do,))))
    made = decided(seen(harassment=0.999), Facts(said_in_thread=frozenset({"harassment"})), warns)
    assert (made.verdict, made.reason, made.steps) == (Verdict.ASK, Reason.FLAGGED, ())
    assert made.why.endswith("; something was said already in this thread")


def test_an_answer_without_the_emergency_number_is_none_to_a_sign_of_an_emergency() -> None:
    quiet = replace(shipped_policy(), red_flags_call=False)
    made = decided(seen(diagnosis_request=0.95), Facts(red_flag=True, said_in_thread=ANSWERED), quiet)
    assert (made.verdict, made.reason) == (Verdict.ASK, Reason.FLAGGED)


@pytest.mark.parametrize("verb", ["ban", "delete"])
def test_bans_and_deletions_are_peoples(verb: str) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate({"do": [verb]})


@given(
    probabilities=st.dictionaries(st.sampled_from(Label), st.floats(0, 1)),
    kind=st.sampled_from(AuthorKind),
    reason=st.none() | st.sampled_from(NotAssessed),
    spent=st.integers(0, 100),
)
def test_the_promises_hold_whatever_is_found(
    probabilities: dict[Label, float], kind: AuthorKind, reason: NotAssessed | None, spent: int
) -> None:
    assessment = Assessment("test-1", dict.fromkeys(Label, 0.0) | probabilities, (), reason)
    made = decided(assessment, Facts(kind, acted_today=dict.fromkeys(Label, spent)))
    if probabilities.get(C, 0) >= 0.5 or kind is AuthorKind.STAFF or reason is not None or spent >= 50:
        assert not made.steps
    if made.verdict is Verdict.ASK:
        assert made.reason not in (None, Reason.ACTED)
    if any(step.verb is Verb.HIDE for step in made.steps):
        assert max(probabilities.get(H, 0), probabilities.get(S, 0)) >= 0.9
