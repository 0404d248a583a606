"""Prompt files in the format of each published set, and files that are none."""

import json

import pytest
from fewchannels.prompts.files import KINDS, MOST_BYTES, PromptFileError, read_prompt_file

FOX, CUP = "a red fox, sitting", 'a cup that says "tea"'
FILES = {
    "genai-bench": json.dumps(
        {
            "00000": {"id": "00000", "prompt": FOX, "models": {"DALLE_3": [4, 5, 4]}},
            "00001": {"id": "00001", "prompt": CUP, "models": {"DALLE_3": [2, 3, 3]}},
        }
    ),
    "partiprompts": f"Prompt\tCategory\tChallenge\tNote\n{FOX}\tAnimals\tBasic\t\n{CUP}\tArtifacts\tWriting\tx\n",
    "drawbench": f'Prompts,Category\n"{FOX}",Colors\n"{CUP.replace(chr(34), chr(34) * 2)}",Text\n',
    "json": json.dumps([FOX, CUP]),
    "lines": f"{FOX}\n\n   {CUP}   \n",
}


@pytest.fixture
def file(tmp_path):
    def write(content, name="prompts"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("kind", KINDS)
def test_each_published_format_is_told_by_its_content(file, kind):
    path = file(FILES[kind])
    prompts = read_prompt_file(path)
    assert [prompt.text for prompt in prompts] == [FOX, CUP]
    assert read_prompt_file(str(path), kind) == prompts
    categories = {"partiprompts": ["Animals", "Artifacts"], "drawbench": ["Colors", "Text"]}
    assert [prompt.category for prompt in prompts] == categories.get(kind, ["", ""])


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(file):
    for kind in ("partiprompts", "drawbench", "lines"):
        path = file(b"\xef\xbb\xbf" + FILES[kind].replace("\n", "\r\n").encode())
        assert [prompt.text for prompt in read_prompt_file(path)] == [FOX, CUP]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"])
def test_no_other_sign_than_a_line_end_ends_a_prompt(file, kind, sign):
    fox = FOX.replace(" ", sign, 1)
    content = FILES[kind].replace(FOX, json.dumps(fox)[1:-1] if kind in ("json", "genai-bench") else fox)
    for end in ("\n", "\r\n", "\r"):
        prompts = read_prompt_file(file(content.replace("\n", end)), kind)
        assert [prompt.text for prompt in prompts] == [fox, CUP]


@pytest.mark.parametrize("kind", [None, *KINDS])
@pytest.mark.parametrize("code", ["utf-16-le", "utf-16-be", "utf-16", "utf-32-le", "utf-32"])
def test_other_codes_than_utf_8_are_said(file, kind, code):
    with pytest.raises(PromptFileError, match=r"is no UTF-8 text .*save it as UTF-8"):
        read_prompt_file(file(FILES[kind or "lines"].encode(code)), kind)


def test_lists_of_objects_carry_their_category(file):
    [prompt] = read_prompt_file(file(json.dumps([{"prompt": FOX, "category": "animals"}])))
    assert (str(prompt), prompt.category) == (FOX, "animals")


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\xff\xfe", None, "no UTF-8 text"),
        ("", None, "holds no prompt"),
        (" \n\n", None, "holds no prompt"),
        ("[]", None, "holds no prompt"),
        ('{"a": ', None, "no JSON"),
        ('["a", 3]', None, "entry 1 is '3'"),
        (r'["a", "b\ud83d"]', None, r"entry 1 is 'b\\ud83d': it holds what is no character"),
        (r'[{"prompt": "a\u0000b"}]', None, r"entry 0 is 'a\\x00b'"),
        ('[{"text": "a"}]', None, 'an object with "prompt"'),
        ("Name\tCategory\na\tb\n", "partiprompts", r"columns Name, Category.*Prompt"),
        ("a,b\n", "drawbench", "expected one named Prompts"),
        ("Prompts,Category\n", None, "holds no prompt"),
    ],
)
def test_what_is_no_prompt_set_is_said(file, content, kind, words):
    path = file(content)
    with pytest.raises(PromptFileError, match=words) as raised:
        read_prompt_file(path, kind)
    assert str(path) in str(raised.value)


def test_missing_large_and_unknown_are_said(file, tmp_path):
    with pytest.raises(FileNotFoundError, match="download the prompt set"):
        read_prompt_file(tmp_path / "none.tsv")
    with pytest.raises(ValueError, match=r"kind='coco'.*genai-bench"):
        read_prompt_file(file("a"), "coco")
    path = file("a")
    with path.open("r+b") as large:
        large.truncate(MOST_BYTES + 1)
    with pytest.raises(PromptFileError, match=r"50,000,001 bytes"):
        read_prompt_file(path)
