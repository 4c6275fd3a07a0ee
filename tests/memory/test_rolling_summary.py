from hypothesis import given
from hypothesis import strategies as st

from npc_engine.memory.rolling_summary import rolling_summary


def by_words(text: str) -> int:
    return len(text.split())


def told(episodes, cap_tokens, count, pinned=()):
    places = range(len(episodes))
    return rolling_summary(
        len(episodes), lambda place: episodes[place], cap_tokens, count,
        pinned={place for place in pinned if place in places},
    )  # fmt: skip


EPISODES = [
    "Day 1, noon: Old news came. It rained hard all day.",
    "Day 2, noon: Mira sold a chain. The ferry sank.",
    "Day 3, noon: Tolan came back.",
]


def test_the_newest_episodes_stand_whole_and_older_ones_with_their_first_sentence():
    assert told(EPISODES, 99, by_words) == "\n".join(EPISODES)
    assert told(EPISODES, 22, by_words) == (
        "Day 1, noon: Old news came.\nDay 2, noon: Mira sold a chain. The ferry sank.\n"
        "Day 3, noon: Tolan came back."
    )
    assert told(EPISODES, 14, by_words) == (
        "Day 2, noon: Mira sold a chain.\nDay 3, noon: Tolan came back."
    )


def test_the_newest_episode_alone_is_cut_at_a_sentence():
    assert told(EPISODES[:1], 8, by_words) == "Day 1, noon: Old news came."
    assert told([], 8, by_words) == ""
    assert told(["  "], 8, by_words) == ""


def test_a_pinned_episode_stays_whole_however_old_it_is():
    assert told(EPISODES, 18, by_words, pinned={0}) == (
        "Day 1, noon: Old news came. It rained hard all day.\nDay 3, noon: Tolan came back."
    )
    assert told(EPISODES, 12, by_words, pinned={0}) == EPISODES[0]
    assert told(EPISODES, 17, by_words, pinned={0, 1}) == (
        "Day 2, noon: Mira sold a chain. The ferry sank.\nDay 3, noon: Tolan came back."
    )
    assert told(EPISODES, 6, by_words, pinned={0}) == EPISODES[2]


@given(
    st.lists(st.text(max_size=60) | st.sampled_from(EPISODES), max_size=6),
    st.integers(0, 40),
    st.sets(st.integers(0, 5)),
)
def test_the_rolling_summary_never_exceeds_its_cap(episodes, cap, pinned):
    for count in (by_words, len):
        assert count(told(episodes, cap, count, pinned=pinned)) <= cap


def test_only_what_may_be_told_is_read():
    asked = []

    def text_of(place):
        asked.append(place)
        return EPISODES[place % 3]

    rolling_summary(1000, text_of, 30, by_words, pinned={7})
    assert asked[0] == 7
    assert len(asked) < 10
