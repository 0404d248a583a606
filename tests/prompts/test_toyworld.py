import pytest
from fewchannels.toyworld import prompts, scenes


def test_there_and_back_for_every_kind_of_scene():
    for i in range(500):
        attributes = scenes.sample_attributes((11, i))
        assert prompts.parse_prompt(prompts.format_prompt(attributes)) == attributes


def test_case_and_spaces_do_not_matter():
    text = "  A small RED ring at the left   on a plain blue background"
    assert prompts.parse_prompt(text).subjects[0].colour == "red"


def test_an_unknown_word_names_the_nearest_and_all():
    with pytest.raises(ValueError, match=r"'sqare'.*nearest.*'square'") as error:
        prompts.parse_prompt("a small red sqare at the left on a plain blue background")
    assert all(word in str(error.value) for word in prompts.VOCABULARY)


@pytest.mark.parametrize("word", ["赤い", "красный", "zzz", "<pad>", "<unk>", "<PAD>", "star,", "☆", "\ud800"])
def test_a_hint_is_given_only_for_what_is_spelt_alike(word):
    with pytest.raises(ValueError, match=r"unknown word .*It knows: ") as error:
        prompts.check_words(f"a small {word} star at the left on a plain blue background")
    said = str(error.value)
    assert repr(word.lower()) in said
    assert "yellow" not in said.partition("It knows")[0]
    assert ("nearest" in said) == (word == "star,")


def test_three_subjects_are_told_that_two_are_the_most():
    three = " and ".join(f"a small red {shape} at the left" for shape in ("star", "ring", "cross"))
    for text in (f"{three} on a plain blue background", "star ring cross", f"{three} and {three}"):
        with pytest.raises(ValueError, match=r"names [36] subjects \(star, ring, cross.*at most two: expected 'a SIZE"):
            prompts.parse_prompt(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a red small star at the left on a plain blue background",
        "a small red star on a plain blue background",
        "a small red star at the left",
        "nothing and a small red star at the left on a plain blue background",
        "a small red star at the left and a small red ring at the right and a small red cross at the top"
        " on a plain blue background",
    ],
)
def test_known_words_in_a_wrong_order_show_the_grammar(text):
    with pytest.raises(ValueError, match="SIZE COLOUR SHAPE at the POSITION"):
        prompts.parse_prompt(text)


def test_the_tokenizer_knows_exactly_the_vocabulary_and_fits_the_longest_sentence():
    from fewchannels.toyworld.text_encoder import MAX_TOKENS, build_tokenizer

    tokenizer = build_tokenizer()
    assert set(tokenizer.get_vocab()) == {"<pad>", "<unk>", *prompts.VOCABULARY}
    longest = max(len(prompts.format_prompt(scenes.sample_attributes((12, i), subjects=2)).split()) for i in range(200))
    assert longest <= MAX_TOKENS
