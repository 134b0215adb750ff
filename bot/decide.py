"""Decide: what is to become of a comment. Pure: everything it goes by is handed in, and nothing is done here.

The order is the house's: what nobody assessed goes to a person; crisis is never hidden by the machine; our own
side is only shown to a person; a request that names a red flag is a crisis too; then each label's own rule acts where
its promise holds, and asks where it does not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from bot.model import AuthorKind, Decision, Mark, Reason, Severity, Step, Verb, Verdict
from bot.rules import DisclosureRule, Do, Lines, Policy
from classifiers.labels import Assessment, Label, NotAssessed, Subject

ASK_BELOW_ANY_PROMISE = 0.5  # the probability at which a person is asked where data is too thin for a line
_WORDS = (Verb.REPLY, Verb.MESSAGE)
_ANSWERED = (Label.DIAGNOSIS_REQUEST, Label.HEALTH_DISCLOSURE)  # what is said to these helps whoever wrote them
_OTHERS = (Subject.SOMEBODY_ELSE, Subject.A_PATIENT)
_WHOSE = {
    Subject.ONESELF: "oneself", Subject.SOMEBODY_ELSE: "somebody else", Subject.A_PATIENT: "a patient of the writer",
    Subject.UNSURE: "somebody, it is not clear who",
}  # fmt: skip
REPEAT_OFFENCES = 3  # earlier findings after which an author's next one is looked at sooner


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known beside the text, at the moment of deciding."""

    author: AuthorKind = AuthorKind.PUBLIC
    red_flag: bool = False  # the comment names a sign of an emergency
    earlier_findings: int = 0  # comments of this author, on this account, that were flagged before
    said_in_thread: frozenset[str] = frozenset()  # templates that this author was sent there of late; "" = typed words
    in_crisis: bool = False  # a crisis of this author waits for a person
    supported: bool = False  # this author got the supportive reply: it is said once
    acted_today: Mapping[Label, int] = field(default_factory=dict)
    overturned_today: Mapping[Label, int] = field(default_factory=dict)
    paused: frozenset[Label] = frozenset()
    marks: tuple[Mark, ...] = ()  # what the reply guard says of words of our own side


@dataclass(frozen=True, slots=True)
class _Found:
    """One label's outcome: either steps, or the reason why a person is asked."""

    label: Label
    steps: tuple[Step, ...]
    reason: Reason
    why: str


def decide(seen: Assessment, facts: Facts, policy: Policy) -> Decision:
    """The decision for one comment; a label found by several rules keeps the gravest one's name."""
    flags = flagged(seen, policy)
    if Label.CRISIS in flags:
        return _crisis(seen, flags, facts, policy)
    if facts.author is AuthorKind.STAFF and (made := _our_own_side(seen, flags, facts.marks, policy)):
        return made
    if seen.reason is not None and not flags:
        return _not_assessed(seen.reason, facts, policy)
    if _names_red_flag(flags, facts, policy):
        return _red_flag(seen, flags, facts, policy)
    if not flags:
        return Decision(Verdict.LEAVE, "clean", "nothing was found that a person should see")
    found = [_found(seen, label, facts, policy) for label in flags]
    if facts.red_flag and Label.DIAGNOSIS_REQUEST in flags:
        found = [_only_answered(each) for each in found]
    return _combined(seen, flags, found, facts, policy)


def flagged(seen: Assessment, policy: Policy) -> tuple[Label, ...]:
    """The labels at or above their ask line."""
    asks = {label: _ask_line(seen, policy.lines[label]) for label in Label}
    return tuple(label for label in Label if seen.probabilities.get(label, 0.0) >= asks[label])


def _ask_line(seen: Assessment, lines: Lines) -> float:
    """The lines are drawn for the model: what the word list says where no model did is held against none of them."""
    if lines.ask is None:
        return ASK_BELOW_ANY_PROMISE
    return lines.ask if seen.assessed else min(lines.ask, ASK_BELOW_ANY_PROMISE)


def certain(seen: Assessment, policy: Policy) -> tuple[Label, ...]:
    """The labels at or above their act line, whether or not a rule acts on them; never crisis, nor where a part of the
    text was not assessed."""
    if not seen.assessed:
        return ()
    lines = {label: each.act for label, each in policy.lines.items() if label is not Label.CRISIS}
    sure = {label: line for label, line in lines.items() if line is not None}
    return tuple(label for label in sure if seen.probabilities.get(label, 0.0) >= sure[label])


def _crisis(seen: Assessment, flags: tuple[Label, ...], facts: Facts, policy: Policy) -> Decision:
    how = f"found, though not assessed ({seen.reason})" if seen.reason else "may come to serious harm now"
    return Decision(
        Verdict.ASK, "crisis", f"{_told(seen, Label.CRISIS)}: {how}; never hidden by the machine",
        Severity.CRISIS, Label.CRISIS, flags, Reason.FLAGGED,
        _supportive_reply(seen, facts, policy) or _emergency_answer(seen, flags, facts, policy),
    )  # fmt: skip


def _red_flag(seen: Assessment, flags: tuple[Label, ...], facts: Facts, policy: Policy) -> Decision:
    """Called as a crisis is, and never hidden; the answer with the emergency number goes out where its rule may act."""
    steps = _emergency_answer(seen, flags, facts, policy)
    asks = _found(seen, Label.DIAGNOSIS_REQUEST, facts, policy)
    return Decision(
        Verdict.ACT if steps else Verdict.ASK, "red_flag", f"names a sign of an emergency; {asks.why}",
        Severity.CRISIS, Label.DIAGNOSIS_REQUEST, flags, Reason.RED_FLAG, steps,
    )  # fmt: skip


def _names_red_flag(flags: tuple[Label, ...], facts: Facts, policy: Policy) -> bool:
    return facts.red_flag and policy.red_flags_call and Label.DIAGNOSIS_REQUEST in flags


def _emergency_answer(seen: Assessment, flags: tuple[Label, ...], facts: Facts, policy: Policy) -> tuple[Step, ...]:
    """What is answered to a request that names a red flag, once in a thread: the words, and nothing else."""
    if facts.said_in_thread or not _names_red_flag(flags, facts, policy):
        return ()
    return tuple(s for s in _found(seen, Label.DIAGNOSIS_REQUEST, facts, policy).steps if s.verb in _WORDS)


def _supportive_reply(seen: Assessment, facts: Facts, policy: Policy) -> tuple[Step, ...]:
    """Only where the config says so, to a reader, once, and as sure as any other act has to be."""
    line, spent = policy.lines[Label.CRISIS].act, facts.acted_today.get(Label.CRISIS, 0)
    sure = seen.assessed and line is not None and seen.probabilities[Label.CRISIS] >= line
    may = policy.supports and facts.author is AuthorKind.PUBLIC and not facts.supported
    within = spent < policy.rules[Label.CRISIS].budget_per_day and Label.CRISIS not in facts.paused
    if not (sure and may and within):
        return ()
    return (Step(Verb.REPLY, template=Label.CRISIS.value, label=Label.CRISIS),)


def _not_assessed(reason: NotAssessed, facts: Facts, policy: Policy) -> Decision:
    rule = f"not_assessed.{reason}"
    ours = facts.author is AuthorKind.STAFF  # who may well teach of such signs
    if reason is NotAssessed.MODEL_DOWN and facts.red_flag and policy.red_flags_call and not ours:
        why = f"names a sign of an emergency; not assessed ({reason}): a person must read it"
        return Decision(Verdict.ASK, "red_flag", why, Severity.CRISIS, reason=Reason.RED_FLAG)
    if reason not in policy.ask_when:
        return Decision(Verdict.LEAVE, rule, f"not assessed ({reason}); the config leaves such comments alone")
    severity = Severity.HIGH if reason is NotAssessed.MODEL_DOWN else Severity.LOW
    return Decision(
        Verdict.ASK,
        rule,
        f"not assessed ({reason}): a person must read it",
        severity,
        reason=Reason(reason.value),
    )


def _our_own_side(
    seen: Assessment, flags: tuple[Label, ...], marks: tuple[Mark, ...], policy: Policy
) -> Decision | None:
    """Only ever shown to a person, soonest where it may reveal a patient. None where there is nothing to show."""
    label = _gravest(flags) if flags else None
    found = "; ".join([*(_told(seen, each) for each in flags), *dict.fromkeys(each.why for each in marks)])
    of_others = Label.HEALTH_DISCLOSURE in flags and seen.subject is not Subject.ONESELF
    if of_others or any(each.reveals for each in marks):
        return Decision(
            Verdict.ASK, "our_own_side.breach", f"a colleague may have revealed a patient: {found}",
            Severity.URGENT, label, flags, Reason.BREACH, marks=marks,
        )  # fmt: skip
    if not found or (seen.reason is not None and not flags):
        return None
    return Decision(
        Verdict.ASK, "our_own_side", f"written by our own side: {found}; a person decides whether it stays",
        max((Severity[policy.rules[each].severity.upper()] for each in flags), default=Severity.NORMAL),
        label, flags, Reason.STAFF, marks=marks,
    )  # fmt: skip


def _found(seen: Assessment, label: Label, facts: Facts, policy: Policy) -> _Found:
    rule, line, told = policy.rules[label], policy.lines[label].act, _told(seen, label)
    right = f"right at least {rule.act_when_right * 100:g} times in 100"
    acted, overturned = facts.acted_today.get(label, 0), facts.overturned_today.get(label, 0)
    do = rule.do
    if isinstance(rule, DisclosureRule):
        do, told = rule.about(seen.subject), f"{told} about {_WHOSE[seen.subject]}"
    if seen.reason is not None:
        return _Found(label, (), Reason.FLAGGED, f"{told}; a part was not assessed ({seen.reason})")
    if not do:
        return _Found(label, (), Reason.FLAGGED, f"{told}; this rule only asks")
    if facts.in_crisis:
        return _Found(label, (), Reason.FLAGGED, f"{told}; its author may be in danger: left to a person")
    if line is None:
        return _Found(label, (), Reason.FLAGGED, f"{told}; too few examples to promise that it is {right}")
    if seen.probabilities[label] < line:
        return _Found(label, (), Reason.FLAGGED, f"{told}; only from {line:.1%} on is it {right}")
    if label in facts.paused:
        return _Found(label, (), Reason.PAUSED, f"{told}; acting on it is paused")
    if acted >= rule.budget_per_day:
        return _Found(
            label, (), Reason.BUDGET, f"{told}; the day's {rule.budget_per_day} automatic actions are used up"
        )
    if overturned >= rule.overturned_per_day:
        return _Found(label, (), Reason.OVERTURNED, f"{told}; {overturned} of today's actions were overturned")
    asks_too = label is Label.HEALTH_DISCLOSURE and seen.subject in _OTHERS
    reason = Reason.FLAGGED if asks_too else Reason.ACTED
    return _Found(label, _steps(label, do), reason, f"{told}; from {line:.1%} on it is {right}")


def _only_answered(each: _Found) -> _Found:
    """Of a request that names a sign of an emergency: the answer stays; a person decides what else is done."""
    answers = each.label is Label.DIAGNOSIS_REQUEST
    steps = tuple(step for step in each.steps if answers and step.verb in _WORDS)
    if steps == each.steps:
        return each
    return replace(each, steps=steps, reason=Reason.FLAGGED, why=f"{each.why}; but it names a sign of an emergency")


def _combined(
    seen: Assessment, flags: tuple[Label, ...], found: list[_Found], facts: Facts, policy: Policy
) -> Decision:
    """Do what may be done; if any label needs a person, ask as well."""
    found = _not_also_answered(found)
    if facts.said_in_thread:
        found = [_said_already(each, facts) for each in found]
    steps = _once(step for each in found for step in each.steps)
    asking = [each for each in found if each.reason is not Reason.ACTED]
    heard = asking or found
    first = max(heard, key=lambda each: _severity(each.label, seen, policy))
    severity = _severity(first.label, seen, policy)
    if facts.earlier_findings >= REPEAT_OFFENCES and severity < Severity.HIGH:
        severity = Severity(severity + 10)
    decision = Decision(
        Verdict.ACT if steps else Verdict.ASK, _rule_name(first.label, seen), "; ".join(each.why for each in found),
        severity, first.label, flags, first.reason, steps,
    )  # fmt: skip
    return decision if asking or steps else replace(decision, verdict=Verdict.LEAVE, reason=None)


def _not_also_answered(found: list[_Found]) -> list[_Found]:
    """Where a rule hides, the others say nothing; what else they want is done."""
    hiding = [each for each in found if Step(Verb.HIDE) in each.steps]
    return [each if each in hiding else replace(each, steps=_silent(each.steps)) for each in found] if hiding else found


def _said_already(each: _Found, facts: Facts) -> _Found:
    """Who asks again what was answered is left alone; about whoever goes on after a warning a person is asked."""
    steps = _silent(each.steps)
    if steps or not each.steps:
        return replace(each, steps=steps)
    answered = each.label in _ANSWERED and each.label in facts.said_in_thread
    reason = each.reason if answered and not facts.red_flag else Reason.FLAGGED
    why = f"{each.why}; {'answered' if answered else 'something was said'} already in this thread"
    return _Found(each.label, steps, reason, why)


def _silent(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(step for step in steps if step.verb not in _WORDS)


def _rule_name(label: Label, seen: Assessment) -> str:
    known = label is Label.HEALTH_DISCLOSURE and seen.subject is not Subject.UNSURE
    return f"rules.{label}" + (f".about_{seen.subject}" if known else "")


def _steps(label: Label, do: tuple[Do, ...]) -> tuple[Step, ...]:
    verbs = {
        Do.HIDE: Step(Verb.HIDE, label=label),
        Do.WARN: Step(Verb.REPLY, template=label.value, label=label),
        Do.NUDGE: Step(Verb.MESSAGE, template=label.value, label=label),
        Do.MUTE: Step(Verb.MUTE, label=label),
    }
    return tuple(verbs[each] for each in do)


def _once(steps: Iterable[Step]) -> tuple[Step, ...]:
    """In order, each verb once: two labels never answer the same comment twice. Words come before hiding."""
    chosen: dict[Verb, Step] = {}
    for step in steps:
        chosen.setdefault(step.verb, step)
    return tuple(sorted(chosen.values(), key=lambda step: step.verb not in _WORDS))


def _severity(label: Label, seen: Assessment, policy: Policy) -> Severity:
    if label is Label.HEALTH_DISCLOSURE and seen.subject is Subject.A_PATIENT:
        return Severity.URGENT
    return Severity[policy.rules[label].severity.upper()]


def _gravest(flags: tuple[Label, ...]) -> Label:
    order = [Label.HEALTH_DISCLOSURE, *Label]
    return min(flags, key=order.index)


def _told(seen: Assessment, label: Label) -> str:
    """A finding and how sure it is; never 100%."""
    return f"{label.replace('_', ' ')} ({min(seen.probabilities[label], 0.999):.1%} sure)"
