"""Outlet files: what is refused, and that each refusal names file, line and key, and what to write instead."""

import json
import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from crawlers.outlet import Outlet, OutletError, load_files, load_outlets, select
from narrawatch import settings
from narrawatch.cli import cli

GOOD = {
    "id": "id: example_daily",
    "name": "name: Example Daily",
    "country": "country: kz",
    "languages": "languages: [ru, kk]",
    "kind": "kind: news",
    "start": "start: {feeds: [https://example.org/rss]}",
    "schedule": 'schedule: "*/15 * * * *"',
    "expect": "expect: {per_day: [5, 400]}",
}


def write(folder: Path, *, stem: str = "example_daily", **lines: str | None) -> Path:
    """A good outlet file with some lines replaced (None: left out)."""
    path = folder / f"{stem}.yml"
    kept = [line for line in {**GOOD, **lines}.values() if line is not None]
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return path


def problems(path: Path) -> list[str]:
    return [problem.removeprefix(f"{path.parent}/") for problem in load_files([path]).problems]


def test_an_outlet_file_becomes_a_frozen_outlet(tmp_path: Path) -> None:
    start = """start:
  feeds: [https://example.org/rss, "http://127.0.0.1:8800/feed.xml"]
  news_sitemaps: [https://example.org/news-sitemap.xml]
  sections: [{url: https://example.org/politics, links: "a[href*='/story/']"}]"""
    files = load_outlets(write(tmp_path, start=start).parent)
    assert files.problems == ()
    (outlet,) = files.outlets
    assert (outlet.id, outlet.country, outlet.languages, outlet.kind) == ("example_daily", "kz", ("ru", "kk"), "news")
    assert outlet.start.feeds == ("https://example.org/rss", "http://127.0.0.1:8800/feed.xml")
    assert outlet.start.sections[0].links == "a[href*='/story/']"
    assert outlet.expect.per_day == (5, 400)
    with pytest.raises(ValueError, match="frozen"):
        outlet.id = "other"


@pytest.mark.parametrize(
    ("key", "line", "at", "message"),
    [
        ("country", "country: no", "3: country", "YAML reads an unquoted no as false; write 'no' in quotes"),
        ("country", "country: uk", "3: country", "'uk' is no lower-case code of ISO 3166-1; write gb"),
        ("country", "country: KZ", "3: country", "'KZ' is no lower-case code of ISO 3166-1; write kz"),
        ("country", "country: Kazakhstan", "3: country", "write kz"),
        ("country", "country: zz", "3: country", "'zz' is no lower-case code of ISO 3166-1; write two small letters"),
        ("country", "country: 7", "3: country", "YAML reads an unquoted 7 as a number; write it in quotes"),
        ("country", "country: [kz]", "3: country", "wants one text, like country: kz"),
        ("country", None, "1: country", "is missing; add a line like country: kz"),
        ("country", "country:", "3: country", "has no value; write one like country: kz"),
        (
            "languages",
            "languages: [no]",
            "4: languages[0]",
            "YAML reads an unquoted no as false; write 'no' in quotes",
        ),
        (
            "languages",
            "languages:\n  - ru\n  - on",
            "6: languages[1]",
            "YAML reads an unquoted on as true; write 'on' in quotes",
        ),
        ("languages", "languages: [kz]", "4: languages[0]", "'kz' is no language but the country Kazakhstan"),
        ("languages", "languages: [nb]", "4: languages[0]", "'nb' is no code of ISO 639 that we use; write no"),
        ("languages", "languages: [eng]", "4: languages[0]", "write en"),
        ("languages", "languages: [RU]", "4: languages[0]", "write ru"),
        ("languages", "languages: [russian]", "4: languages[0]", "write two small letters"),
        ("languages", "languages: ru", "4: languages", "wants a list in square brackets, like languages: [ru, kk]"),
        ("languages", "languages: []", "4: languages", "name one language at least, and each once"),
        ("languages", "languages: [ru, ru]", "4: languages", "name one language at least, and each once"),
        ("kind", "kind: fact-cheker", "5: kind", "'fact-cheker' is no kind; write one of news, state-controlled, "),
        ("kind", "kind: fact-cheker", "5: kind", "did you mean 'fact-checker'?"),
        ("kind", "kind: yes", "5: kind", "YAML reads an unquoted yes as true; write 'yes' in quotes"),
        ("name", "name: 2026-11-22", "2: name", "YAML reads an unquoted 2026-11-22 as a date; write it in quotes"),
        ("name", 'name: "a\\u0007"', "2: name", "is no name; write the outlet's own, in one line"),
        ("start", "start: {}", "6: start", "names no address; give feeds, news_sitemaps or sections at least one"),
        ("start", "start: https://example.org/rss", "6: start", "wants keys under it, like start: {feeds: "),
        ("start", "start: {feed: [https://a.org]}", "6: start.feed", "is no key we know; did you mean 'feeds'?"),
        ("start", "start: {feeds: https://a.org}", "6: start.feeds", "wants a list in square brackets, like feeds: ["),
        (
            "start",
            "start:\n  feeds:\n    - /rss",
            "8: start.feeds[0]",
            "'/rss' is no http or https address; write it like",
        ),
        ("start", "start: {feeds: [https://u:p@a.org/]}", "6: start.feeds[0]", "carries a user name; write it like"),
        ("start", "start: {feeds: ['https://a.org/a b']}", "6: start.feeds[0]", "holds white space; write it like"),
        (
            "start",
            "start: {feeds: [https://a.org, https://a.org]}",
            "6: start",
            "names 'https://a.org' twice; delete one",
        ),
        (
            "start",
            "start: {sections: [https://a.org]}",
            "6: start.sections[0]",
            "wants keys under it, like sections: [{url: ",
        ),
        ("start", "start: {sections: [{links: a}]}", "6: start.sections[0].url", "is missing; add a line like url: "),
        (
            "start",
            "start: {sections: [{url: https://a.org, links: 'a['}]}",
            "6: start.sections[0].links",
            "'a[' is no CSS selector (Expected ident or '*', got <EOF at 2>); write one like a[href*='/story/']",
        ),
        (
            "start",
            "start: {sections: [{url: https://a.org, links: 'a::attr(href)'}]}",
            "6: start.sections[0].links",
            "'a::attr(href)' selects text or an attribute; select the a elements",
        ),
        (
            "schedule",
            "schedule: '*/15 * * *'",
            "7: schedule",
            "'*/15 * * *' is no schedule; write five fields: minute hour",
        ),
        ("schedule", "schedule: '75 * * * *'", "7: schedule", "'75' is no minute (0 to 59); write five fields"),
        ("schedule", "schedule: 12:30", "7: schedule", "YAML reads an unquoted 12:30 as a number; write it in quotes"),
        (
            "expect",
            "expect: {per_day: [400, 5]}",
            "8: expect.per_day",
            "write [lowest, highest] in whole numbers, like per_day: [5, 400]",
        ),
        ("expect", "expect: {per_day: [5]}", "8: expect.per_day", "is no volume of articles; write [lowest, highest]"),
        (
            "expect",
            "expect: {per_day: [-1, 5]}",
            "8: expect.per_day",
            "is no volume of articles; write [lowest, highest]",
        ),
        (
            "expect",
            "expect: {per_day: [no, yes]}",
            "8: expect.per_day",
            "is no volume of articles; write [lowest, highest]",
        ),
        ("expect", "expect: 5", "8: expect", "wants keys under it, like expect: {per_day: [5, 400]}"),
        ("expect", "expect: {}", "8: expect.per_day", "is missing; add a line like per_day: [5, 400]"),
        ("more", "contry: kz", "9: contry", "is no key we know; did you mean 'country'?"),
        ("more", "zzz: kz", "9: zzz", "is no key we know; here belong id, name, country, languages, kind, start, "),
        ("more", "kind: news", "9: kind", "stands here a second time; delete one"),
        ("id", "id: Example Daily", "1: id", "'Example Daily' is no id; use up to 64 of a-z, 0-9 and _"),
        ("id", "id: other", "1: id", "is 'other' but the file is named 'example_daily'; make them the same"),
    ],
)
def test_a_problem_names_file_line_and_key_and_the_remedy(
    tmp_path: Path, key: str, line: str | None, at: str, message: str
) -> None:
    found = problems(write(tmp_path, **{key: line}))
    assert any(found_one.startswith(f"example_daily.yml:{at}: ") and message in found_one for found_one in found), found


@pytest.mark.parametrize(
    ("content", "at", "message"),
    [
        (b"", 1, "is empty or no list of keys; begin with a line like 'id: example_daily'"),
        (b"- id\n", 1, "is empty or no list of keys"),
        (b"id: a\nname: Fran\xe7ais\n", 2, "byte 0xe7 is not UTF-8; save the file as UTF-8"),
        ("id: a\n".encode("utf-16"), 1, "byte 0xff is not UTF-8; save the file as UTF-8"),
        (b"id: a\n\tname: b\n", 2, "is not valid YAML: a tab; YAML indents with spaces"),
        (b"id: a\nname: Foo: Bar\n", 2, "put a text that holds ': ' in quotes"),
        (b"id: a\nname: b\0c\n", 2, "character '\\x00' is not allowed in YAML; delete it"),
        (b"id: a\n---\nid: b\n", 2, "is not valid YAML: but found another document"),
        (b"id: &x a\nname: *x\n", 1, "anchors (&) and aliases (*) are not used in outlet files"),
        (b"id: a\nname: !!python/object/apply:os.getcwd []\n", 2, "is not used in outlet files; delete it"),
        (b"a: " * 3 + b"[" * 60_000, 1, "is not valid YAML: mapping values"),
        (b"[" * 60_000, 1, "is nested more than 10 levels deep; outlet files need three"),
        (b"? " * 30_000, 1, "is nested more than 10 levels deep"),
        (b"#" * 50_000_000, 1, "is larger than 64 kB; an outlet file has about ten lines"),
    ],
)
def test_a_file_that_is_no_outlet_file_gives_one_problem_at_once(
    tmp_path: Path, content: bytes, at: int, message: str
) -> None:
    path = tmp_path / "a.yml"
    path.write_bytes(content)
    began = time.monotonic()
    (found,) = problems(path)
    assert time.monotonic() - began < 5
    assert found.startswith(f"a.yml:{at}: ")
    assert message in found


def test_an_alias_bomb_is_not_unfolded(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))]
    path = tmp_path / "a.yml"
    path.write_text("\n".join(levels))
    assert problems(path) == [
        "a.yml:1: anchors (&) and aliases (*) are not used in outlet files; write the value out, or quote it"
    ]


def test_a_pipe_a_folder_and_a_missing_file_are_problems(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yml")
    (tmp_path / "folder.yml").mkdir()
    (tmp_path / "link.yml").symlink_to(tmp_path / "nowhere")
    write(tmp_path)
    files = load_outlets(tmp_path)
    assert [outlet.id for outlet in files.outlets] == ["example_daily"]
    assert [problem.removeprefix(f"{tmp_path}/") for problem in files.problems] == [
        "folder.yml:1: is no file; move it out of the folder of outlet files",
        "link.yml:1: cannot be read: No such file or directory",
        "pipe.yml:1: is no file; move it out of the folder of outlet files",
    ]


def test_all_problems_of_a_file_are_told_and_other_files_load(tmp_path: Path) -> None:
    write(tmp_path, stem="good", id="id: good")
    write(tmp_path, stem="bad", id="id: bad", country="country: no", kind="kind: newz", schedule=None)
    (tmp_path / "old.yaml").write_text("id: old\n")
    (tmp_path / "README.md").write_text("Not an outlet.\n")
    files = load_outlets(tmp_path)
    assert [outlet.id for outlet in files.outlets] == ["good"]
    assert [problem.removeprefix(f"{tmp_path}/").split(": ")[:2] for problem in files.problems] == [
        ["bad.yml:1", "schedule"],
        ["bad.yml:3", "country"],
        ["bad.yml:5", "kind"],
        ["old.yaml:1", "outlet files end in .yml; rename it to old.yml"],
    ]


def test_a_file_of_nothing_but_problems_does_not_bury_the_others(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("".join(f"key{number}: 1\n" for number in range(2000)))
    found = problems(path)
    assert len(found) == 21
    assert found[-1] == "a.yml: has 1988 more problems; mend these first"


def test_values_with_a_special_place_are_taken(tmp_path: Path) -> None:
    special = {
        "country": "country: xx",
        "languages": 'languages: ["no", tlh]',
        "schedule": "schedule: 0,30 6-22/2 1 jan mon-fri",
    }
    (outlet,) = load_files([write(tmp_path, **special, expect="expect: {per_day: [0, 0]}")]).outlets
    assert (outlet.country, outlet.languages, outlet.expect.per_day) == ("xx", ("no", "tlh"), (0, 0))


@pytest.mark.parametrize("schedule", ["* * * * *", "0 */3 * * *", "5,10-20/2 0 31 12 7", "0 0 * DEC SUN"])
def test_schedules(tmp_path: Path, schedule: str) -> None:
    assert problems(write(tmp_path, schedule=f"schedule: '{schedule}'")) == []


@pytest.mark.parametrize(
    "schedule",
    [
        "@daily",
        "*/0 * * * *",
        "5-1 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "- * * * *",
        "mon * * * *",
        "1,,2 * * * *",
        "* * * * * *",
    ],
)
def test_schedules_that_never_run(tmp_path: Path, schedule: str) -> None:
    (found,) = problems(write(tmp_path, schedule=f"schedule: '{schedule}'"))
    assert found.startswith("example_daily.yml:7: schedule: ")


def test_a_folder_without_outlets_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(OutletError, match=r"holds no outlet file \(\*\.yml\); add one, or name another folder"):
        load_outlets(tmp_path)
    with pytest.raises(OutletError, match="nowhere: no such folder; name the one with outlet files by --outlets"):
        load_outlets(tmp_path / "nowhere")


def test_outlets_are_selected_by_id_in_the_order_asked_for(tmp_path: Path) -> None:
    for name in ("bbc", "nrk", "tass"):
        write(tmp_path, stem=name, id=f"id: {name}")
    outlets = load_outlets(tmp_path).outlets

    def ids(chosen: tuple[Outlet, ...]) -> list[str]:
        return [outlet.id for outlet in chosen]

    assert ids(select(outlets, [])) == ["bbc", "nrk", "tass"]
    assert ids(select(outlets, ["tass", "bbc", "tass"])) == ["tass", "bbc"]
    with pytest.raises(
        OutletError, match=r"no outlet 'bcc'; did you mean 'bbc'\? and no 'zzz' \(`narrawatch outlets list`"
    ):
        select(outlets, ["bcc", "nrk", "zzz"])


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["outlets", *arguments], env={"COLUMNS": "200"})
    return result.exit_code, result.output


def test_check_prints_each_problem_and_fails(tmp_path: Path) -> None:
    write(tmp_path, stem="good", id="id: good")
    bad = write(tmp_path, stem="bad", id="id: bad", country="country: no", languages="languages: [no]")
    folder = ("--outlets", str(tmp_path))
    lines = [
        f"{bad}:3: country: YAML reads an unquoted no as false; write 'no' in quotes",
        f"{bad}:4: languages[0]: YAML reads an unquoted no as false; write 'no' in quotes",
    ]
    assert run("check", *folder) == (1, "\n".join([*lines, "1 outlets, 2 problems\n"]))
    assert run("check", str(tmp_path / "good.yml")) == (0, "1 outlets, 0 problems\n")
    code, output = run("check", "--json", *folder)
    assert (code, json.loads(output)) == (1, {"outlets": ["good"], "problems": lines})


def test_list_shows_what_can_be_crawled(tmp_path: Path) -> None:
    write(tmp_path, languages="languages: ['no']")
    code, output = run("list", "--outlets", str(tmp_path))
    assert code == 0
    assert "example_daily" in output
    assert "1 feed" in output
    code, output = run("list", "--json", "--outlets", str(tmp_path))
    (shown,) = json.loads(output)
    assert (code, shown["id"], shown["languages"], shown["expect"]) == (
        0,
        "example_daily",
        ["no"],
        {"per_day": [5, 400]},
    )


def test_without_a_folder_the_shipped_outlets_are_listed() -> None:
    shipped = load_outlets(settings.load({}).outlets).outlets
    code, output = run("list", "--json")
    assert code == 0
    assert [row["id"] for row in json.loads(output)] == [outlet.id for outlet in shipped]
