"""Folding one talk: what is asked, what becomes of it, and what is thrown away."""

import pytest

from npc_engine.dialogue.fold import MAX_REJECTED
from npc_engine.dialogue.fold_text import FAILED, KEEPS_TOO_LITTLE
from npc_engine.dialogue.handle import TurnHandle
from npc_engine.memory import summary
from npc_engine.memory.entries import FactProposed, FoldChanged
from npc_engine.memory.folding import EDITED, LEFT_PATH, OTHERWISE, RECAST, RESTORED
from npc_engine.model.scripted import Reply, ScriptedSession
from npc_engine.prompt.profile import PromptProfile
from tests.dialogue.fold_stage import GOOD, FoldStage, well
from tests.stage import sheet


@pytest.fixture
def stage():
    return FoldStage()


def asked(stage):
    """The last words of every prompt for a fold, in order."""
    return [request.messages[-1].text.rsplit("\n\n", 1)[-1] for request in stage.session.requests]


def test_below_the_low_water_mark_nothing_is_asked(stage):
    stage.turn()
    assert stage.job() is None
    assert stage.apply() == ()


def test_from_the_low_water_mark_on_five_questions_are_asked_once(stage):
    job = stage.job_when_due()
    prepared = stage.prepare(job)
    assert (prepared.is_over, prepared.faults) == (True, ())
    assert len(asked(stage)) == 5
    assert stage.job() is None
    stage.turn()
    assert stage.job() is None
    sent = stage.session.requests
    assert {request.priority for request in sent} == {"background"}
    assert [request.sampling.temperature for request in sent] == [0.0] * 5
    assert all(request.prompt_ids[:500] == sent[0].prompt_ids[:500] for request in sent)


def test_the_questions_share_what_was_read_and_leave_nothing_behind(stage):
    stage.prepared()
    sent = stage.session.requests
    counted = stage.session.stats()
    apart = sum(len(request.prompt_ids) for request in sent)
    assert counted["reused_tokens"] > 0.7 * apart
    (conversation,) = {request.conversation for request in sent}
    assert conversation not in stage.session._cache
    assert conversation != stage.talk.conversation


def test_a_good_summary_takes_the_place_of_its_turns_at_the_high_water_mark(stage):
    job = stage.prepared()
    assert stage.apply() == ()
    (event,) = stage.fold()
    (fold,) = stage.folds()
    assert (event.kind, fold.kind, fold.pending) == ("model", "model", False)
    assert fold.text == "Day 41, evening: " + "\n".join(GOOD[:3])
    assert fold.entry_ids == job.chunk.entry_ids
    assert fold.tokens_after == stage.session.tokenizer.count(fold.text) <= 110
    assert fold.facts == (
        FactProposed(text="Bo keeps the ferry near Harrow on Friday.", evidence=(2,)),
    )
    (learned,) = [fact for fact in stage.talk.learned() if fact.origin == "model"]
    assert learned.text.startswith("Bo keeps the ferry near Harrow on Friday")


def test_without_a_summary_the_digest_stands_in_until_the_next_fold(stage):
    job = stage.job_when_due()
    (event,) = stage.fold()
    (fold,) = stage.folds()
    assert (event.kind, fold.kind, fold.text) == ("digest", "digest", job.digest)
    assert fold.pending
    assert fold.text.startswith("Day 41, evening: ")
    assert stage.prepare(job).is_over
    assert stage.apply() == ()
    assert stage.folds() == [fold]
    events = stage.fold()
    assert [event.kind for event in events] == ["model", "digest"]
    assert [fold.kind for fold in stage.folds()] == ["model", "digest"]
    assert stage.folds()[0].entry_ids == fold.entry_ids


@pytest.mark.parametrize("change", ["pin", "edit"])
def test_a_fold_pinned_or_reworded_by_hand_is_not_replaced(stage, change):
    job = stage.job_when_due()
    stage.fold()
    (entry,) = stage.fold_entries()
    stage._append(FoldChanged(target=entry.id, change=change, text="They spoke of flour."))
    (before,) = stage.folds()
    assert stage.prepare(job).is_over
    stage.fold()
    assert stage.folds()[0] == before


def test_after_a_crash_the_digest_that_stands_in_is_asked_for_again(stage):
    job = stage.job_when_due()
    stage.prepare(job, ended())
    stage.fold()
    again = stage.restart()
    resumed = again.job()
    assert resumed.key == job.key
    again.prepare(resumed)
    again.fold()
    assert again.folds()[0].kind == "model"
    assert again.restart().job_when_due().key != job.key


def ended():
    handle = TurnHandle()
    handle.end("cancelled")
    return handle


class BreakingSession(ScriptedSession):
    """Ends the handle when so many requests have come."""

    def __init__(self, replies, at):
        super().__init__(replies)
        self.at = at
        self.handle = TurnHandle()

    def stream(self, request):
        events = super().stream(request)
        if len(self.requests) == self.at:
            self.handle.end("cancelled")
            self.cancel(request.request_id)
        return events


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_what_was_answered_is_kept_when_it_is_broken_off_and_the_rest_is_asked_later(at):
    whole = FoldStage()
    whole.prepared()
    session = BreakingSession(well, at)
    stage = FoldStage(session=session)
    job = stage.job_when_due()
    assert not stage.prepare(job, session.handle).is_over
    assert len(session.requests) == at
    assert stage.apply() == ()
    assert stage.prepare(job).is_over
    questions = asked(stage)
    assert questions[at - 1] == questions[at]
    assert questions[: at - 1] + questions[at:] == asked(whole)
    stage.fold()
    assert stage.folds()[0].kind == "model"


def test_a_request_that_is_broken_off_uses_up_no_attempt():
    session = BreakingSession(well, 2)
    stage = FoldStage(session=session)
    job = stage.job_when_due()
    for _ in range(10):
        session.at = len(session.requests) + 1
        session.handle = TurnHandle()
        assert not stage.prepare(job, session.handle).is_over
    assert stage.prepare(job).faults == ()


def test_a_summary_that_is_rejected_is_tried_once_more_and_then_the_digest_is_final():
    bad = "I am Gorath and you owe me 99 crowns."
    stage = FoldStage([bad] * 4 + ["none"] + [bad] * 4)
    job = stage.job_when_due()
    prepared = stage.prepare(job)
    assert prepared.is_over
    assert {summary.WRONG_PERSON, summary.MADE_UP} <= set(prepared.faults)
    sent = stage.session.requests
    assert [request.seed for request in sent] == [0] * 5 + [1] * 4
    assert sent[-1].sampling.temperature > 0
    stage.fold()
    (fold,) = stage.folds()
    assert (fold.kind, fold.pending, fold.text) == ("digest", False, job.digest)
    assert "Gorath" not in fold.text
    assert stage.prepare(job).is_over
    assert len(stage.session.requests) == 9


def test_a_second_try_may_succeed():
    stage = FoldStage(["Nonsense.", "none", "none", "none", "none", *GOOD[:4]])
    stage.prepared()
    stage.fold()
    assert stage.folds()[0].kind == "model"


def test_a_summary_that_keeps_too_little_loses_to_the_digest():
    thin = (
        "The stranger told Ann a tale about the mill and paid silver for the flour, a tale, and "
        "named the tower."
    )
    stage = FoldStage([thin, "none", "none", "none", "none"])
    job = stage.job_when_due()
    assert KEEPS_TOO_LITTLE in stage.prepare(job).faults
    stage.fold()
    assert stage.folds()[0].kind == "digest"


@pytest.mark.parametrize(
    "reply",
    [
        Reply("", fault="raise"),
        Reply("Half a", fault="raise"),
        Reply("word " * 50, fault="endless"),
        Reply(""),
        Reply("\x1b[31m<|im_end|>\ud7ff[1] [1] ]["),
    ],
)
def test_a_model_that_breaks_or_writes_nonsense_leaves_the_digest(reply):
    stage = FoldStage([reply])
    job = stage.job_when_due()
    assert stage.prepare(job).is_over
    stage.fold()
    assert [(fold.kind, fold.text) for fold in stage.folds()] == [("digest", job.digest)]


def test_a_session_that_is_closed_leaves_the_digest(stage):
    job = stage.job_when_due()
    stage.session.close()
    assert FAILED in stage.prepare(job).faults
    stage.fold()
    assert stage.folds()[0].kind == "digest"


# -- thrown away ------------------------------------------------------------------------------


def spoil(stage, how, first):
    if how == EDITED:
        stage.edit(first[0], "Other words altogether.")
    elif how == LEFT_PATH:
        stage.store.move_leaf(stage.chat, first[0].id, "undo")
    elif how == RESTORED:
        stage.store.restore("here")
    elif how == RECAST:
        cast = type(stage.cast)(stage.cast.world, {"ann": sheet(summary="Somebody else.")})
        stage.talk.recast(cast)


@pytest.mark.parametrize("when", ["before", "during", "after"])
@pytest.mark.parametrize("how", [EDITED, LEFT_PATH, RESTORED, RECAST])
def test_a_summary_of_what_has_changed_is_thrown_away_with_its_reason(how, when):
    stage = FoldStage()
    first = stage.turn()
    job = stage.job_when_due()
    stage.store.snapshot("here")
    if when == "during":
        inner = stage.session.stream

        def stream(request):
            if len(stage.session.requests) == 2:
                spoil(stage, how, first)
            return inner(request)

        stage.session.stream = stream
    if when == "before":
        spoil(stage, how, first)
    prepared = stage.prepare(job)
    if when == "after":
        assert prepared.discarded == ""
        spoil(stage, how, first)
        (event,) = stage.folder.path_changed(stage.session)
        assert (event.kind, event.reason, event.npc) == ("discarded", how, "ann")
    else:
        assert prepared.discarded == how
        assert len(stage.session.requests) == {"before": 0, "during": 3}[when]
    assert [thrown.reason for thrown in stage.folder.discarded] == [how]
    stage.session.stream = type(stage.session).stream.__get__(stage.session)
    used = stage.fold_entries()
    assert used == []
    stage.prepared()
    stage.fold()
    assert stage.folds()[0].kind == "model"


def test_a_summary_of_turns_that_are_folded_otherwise_is_thrown_away():
    stage = FoldStage()
    stage.job_when_due()
    bigger = FoldStage(store=stage.store)
    bigger.folder = stage.folder
    stage.talk._budget = bigger.talk._budget.__class__(high_water_tokens=1500, low_water_tokens=600)
    for _ in range(10):
        stage.turn()
    events = stage.apply()
    assert [(event.kind, event.reason) for event in events][:1] == [("discarded", OTHERWISE)]


def test_a_running_request_ends_when_its_turns_are_undone():
    stage = FoldStage([Reply("", fault="hang")])
    first = stage.turn()
    job = stage.job_when_due()
    handle = TurnHandle()
    inner = stage.session.stream

    def stream(request):
        events = inner(request)
        stage.store.move_leaf(stage.chat, first[0].id, "undo")
        stage.folder.path_changed(stage.session)
        return events

    stage.session.stream = stream
    prepared = stage.prepare(job, handle)
    assert handle.ended_by == "cancelled"
    assert prepared.is_over
    assert len(stage.session.requests) == 1


def test_nothing_is_folded_when_a_restore_comes_in_between(stage):
    stage.prepared()
    stage.store.snapshot("here")
    while not stage.fold_entries():
        stage.turn()
        view = stage.talk.view

        def restored(*args, view=view, **options):
            seen = view(*args, **options)
            stage.talk.view = view
            stage.store.snapshot("now")
            stage.store.restore("now")
            return seen

        stage.talk.view = restored
        events = stage.apply()
        if sum(event.kind == "discarded" for event in events):
            break
    assert stage.fold_entries() == []


def test_turns_undone_after_a_fold_bring_back_what_was_before_it(stage):
    first = stage.turn()
    stage.prepared()
    stage.fold()
    stage.store.move_leaf(stage.chat, first[1].id, "undo")
    assert stage.folds() == []
    assert len(stage.talk.view().turns) == 1


# -- by hand ----------------------------------------------------------------------------------


def test_a_summary_undone_by_hand_does_not_come_back(stage):
    stage.prepared()
    stage.fold()
    stage._append(FoldChanged(target=stage.fold_entries()[0].id, change="undo"))
    assert stage.folds() == []
    stage.fold()
    (fold,) = stage.folds()
    assert (fold.kind, fold.pending) == ("digest", False)
    assert stage.job() is None or stage.job().key != fold.source_digest


# -- in the talk itself -----------------------------------------------------------------------


def test_asked_in_the_talk_itself_only_the_questions_are_read_anew():
    stage = FoldStage(manner="talk")
    stage.turn()
    job = stage.job_when_due()
    stage.session.warm(stage.talk.conversation, stage.talk.stable_ids(stage.session.tokenizer))
    before = stage.session.stats()["prefilled_tokens"]
    assert stage.prepare(job).faults == ()
    read = stage.session.stats()["prefilled_tokens"] - before
    recorder = FoldStage()
    recorder.turn()
    recorder.prepare(recorder.job_when_due())
    assert read < 0.6 * recorder.session.stats()["prefilled_tokens"]
    stage.fold()
    assert stage.folds()[0].kind == "model"


def test_a_question_for_the_record_is_not_put_as_one_to_the_character():
    profile = PromptProfile(person="third", reminder=True, bearing=True, opening=True)
    stage = FoldStage(manner="talk", profile=profile)
    stage.turn()
    stage.prepare(stage.job_when_due())
    plan = stage.talk.plan("", stage.session.tokenizer)
    head = sum(map(plan.tokens_of, ("rules", "world", "sheet", "canon")))
    for asked in stage.session.requests:
        text = asked.messages[-1].text
        assert "answers as Ann" not in text
        assert text.splitlines()[-2] == "Keep it short."
        assert not stage.session.tokenizer.decode(asked.prompt_ids).endswith("Ann:")
        assert asked.prompt_ids[:head] == plan.prompt_ids[:head]


def test_turns_that_are_folded_already_are_shown_to_the_recorder():
    stage = FoldStage(manner="talk")
    job = stage.job_when_due()
    stage.fold()
    stage.prepare(job)
    assert stage.session.requests[0].messages[0].text.startswith("You keep a record.")


def test_a_model_whose_summaries_are_never_good_is_not_asked_any_more():
    stage = FoldStage(["I am nobody."])
    for number in range(MAX_REJECTED):
        job = stage.job_when_due()
        assert stage.prepare(job).faults, number
        stage.fold()
    sent = len(stage.session.requests)
    for _ in range(30):
        stage.turn()
        stage.apply()
        assert stage.job() is None
    assert len(stage.session.requests) == sent
    assert not stage.folds()[-1].pending
    assert FoldStage(store=stage.store).job_when_due() is not None


def test_a_good_summary_in_between_keeps_the_model_in_use():
    stage = FoldStage(["I am nobody."])
    bad = stage.session
    for number in range(2 * MAX_REJECTED):
        stage.session = ScriptedSession(well) if number % MAX_REJECTED == 2 else bad
        stage.prepared()
        stage.fold()
    assert [fold.kind for fold in stage.folds()].count("model") == 2


# -- what is kept of the turns one by one -----------------------------------------------------


def test_the_telling_sentences_that_are_not_in_the_text_are_kept_as_they_were_said():
    stage = FoldStage()
    first = stage.turn("There are seventeen geese in the yard of Odo.", "Then count them again.")
    for beast in ("goats", "cows", "ducks", "sheep", "hens", "mules"):
        stage.turn(f"The {beast} of Odo eat barley and sleep behind the mill.", "Do they.")
    stage.fold()
    (fold,) = stage.folds()
    assert fold.kind == "digest"
    said = [fact for fact in fold.facts if fact.origin == "said"]
    assert said
    kept = {fact.text: fact.evidence for fact in said}
    goose = "The stranger: There are seventeen geese in the yard of Odo."
    assert goose in fold.text or kept[goose] == (first[0].id,)
    assert all(fact.text not in fold.text for fact in said)
    lines = {line.entry_id: line.text for line in stage.talk.view().lines}
    for fact in said:
        assert fact.text.split(": ", 1)[1] in lines[fact.evidence[0]]


def test_what_is_kept_comes_up_when_it_is_spoken_of_and_stands_in_no_other_prompt():
    stage = FoldStage()
    stage.turn("The geese of Odo eat barley.", "Do they.")
    for _ in range(3):
        stage.fold()
    tokenizer = stage.session.tokenizer
    about = stage.talk.plan("What do the geese of Odo eat?", tokenizer)
    assert "eat barley" in about.text
    assert "eat barley" not in stage.talk.plan("So?", tokenizer).text.replace(
        stage.talk.view(tokenizer=tokenizer).summary, ""
    )


def test_a_summary_that_comes_late_keeps_what_was_kept_before(stage):
    job = stage.job_when_due()
    stage.fold()
    (digest,) = stage.folds()
    stage.prepare(job)
    stage.fold()
    model = stage.folds()[0]
    assert model.facts == (*[f for f in model.facts if f.origin == "model"], *digest.facts)
