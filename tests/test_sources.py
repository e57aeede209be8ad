"""Where settings come from: precedence, strictness, misspelt names, one report for everything."""

from pathlib import Path

import pytest

from yummy.settings import Environment, LogLevel, Settings, SettingsError
from yummy.sources import load

SECRET = "hush-" * 8


@pytest.fixture
def folder(tmp_path):
    def write(dotenv="", toml=""):
        (tmp_path / ".env").write_text(dotenv, encoding="utf-8")
        (tmp_path / "yummy.toml").write_text(toml, encoding="utf-8")
        return tmp_path

    return write


def problems(command_line=None, environ=None, folder=None):
    with pytest.raises(SettingsError) as caught:
        load(command_line, environ=environ or {}, folder=folder or Path("/nonexistent"))
    assert "\n".join(map(str, caught.value.problems)) == str(caught.value)
    return [str(problem) for problem in caught.value.problems]


def test_no_source_at_all_gives_the_defaults(tmp_path):
    assert Settings() == load(environ={}, folder=tmp_path)


def test_the_stronger_source_wins(folder):
    place = folder("BIND_PORT=3\nMAX_DEPTH=3\nINBOX=3\n", "bind_port=4\nmax_depth=4\ninbox=4\nhook_queue=4\n")

    settings = load({"BIND_PORT": "1"}, environ={"BIND_PORT": "2", "MAX_DEPTH": "2"}, folder=place)

    assert (settings.bind_port, settings.max_depth, settings.inbox, settings.hook_queue) == (1, 2, 3, 4)


def test_the_process_s_environment_and_folder_are_the_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIND_PORT", "9123")
    Path(".env").write_text("SERVER_NAME=here\n", encoding="utf-8")

    settings = load()

    assert (settings.bind_port, settings.server_name) == (9123, "here")


def test_empty_values_count_as_not_given(folder):
    settings = load({"BIND_IP": None}, environ={"BIND_PORT": ""}, folder=folder("BIND_PORT=\n", "bind_port = 7"))

    assert settings.bind_port == 7


def test_texts_become_values_of_each_kind(tmp_path):
    settings = load(
        environ={
            "YUMMY_ENV": "Development",
            "LOG_LEVEL": "WARNING",
            "HOOK_TIMEOUT": "0.25",
            "TOKEN_LIFETIME": "60",
            "DEBUG_HOOKS": "Yes",
            "HOOK_SANDBOX": "off",
            "ALLOWED_ORIGINS": "https://a.example, https://b.example,",
            "DATABASE_PATH": "data/y.db",
        },
        folder=tmp_path,
    )

    assert settings.yummy_env is Environment.DEVELOPMENT
    assert settings.log_level is LogLevel.WARNING
    assert (settings.hook_timeout, settings.token_lifetime) == (0.25, 60.0)
    assert (settings.debug_hooks, settings.hook_sandbox) == (True, False)
    assert settings.allowed_origins == ("https://a.example", "https://b.example")
    assert Path("data/y.db") == settings.database_path


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("BIND_PORT", "abc", "expected a whole number"),
        ("BIND_PORT", "1.5", "expected a whole number"),
        ("BIND_PORT", "9" * 30, "expected a whole number"),
        ("BIND_PORT", "\u0663", "expected a whole number"),
        ("BIND_PORT", "70000", "expected 0 to 65535"),
        ("HOOK_TIMEOUT", "1s", "expected a number"),
        ("HOOK_TIMEOUT", "nan", "expected a number"),
        ("HOOK_TIMEOUT", "0", "expected more than 0"),
        ("DEBUG_HOOKS", "maybe", "expected on or off"),
        ("YUMMY_ENV", "prod", "expected development or production"),
        ("SERVER_NAME", "\udcff", "expected text"),
        ("DATABASE_PATH", "a\0b", "expected a path"),
    ],
)
def test_a_bad_text_is_reported_with_its_source(name, text, expected):
    assert [f"{name} (environment): {text!r} is not usable: {expected}"] == problems(environ={name: text})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("bind_port = '9090'", "expected a whole number, without quotes"),
        ("bind_port = true", "expected a whole number, without quotes"),
        ("bind_port = 1.0", "expected a whole number, without quotes"),
        ("hook_timeout = '1'", "expected a number"),
        ("hook_timeout = true", "expected a number"),
        ("hook_timeout = inf", "expected more than 0"),
        ("debug_hooks = 'on'", "expected true or false, without quotes"),
        ("debug_hooks = 1", "expected true or false, without quotes"),
        ("server_name = 5", "expected text"),
        ("database_path = ''", "expected a path"),
        ("database_path = 5", "expected a path"),
        ("log_level = 5", "expected debug or info or warning or error"),
        ("allowed_origins = 'https://a.example'", "expected a list of texts"),
        ("allowed_origins = [1]", "expected a list of texts"),
    ],
)
def test_toml_values_keep_their_own_type(folder, line, expected):
    (problem,) = problems(folder=folder(toml=line))

    assert "(yummy.toml): " in problem
    assert problem.endswith(f"is not usable: {expected}")


def test_toml_values_may_stand_at_the_top_or_in_a_table(folder):
    toml = 'BIND_PORT = 5\n[yummy]\nallowed_origins = ["https://a.example"]\nhook_timeout = 2\n'

    settings = load(environ={}, folder=folder(toml=toml))

    assert (settings.bind_port, settings.allowed_origins, settings.hook_timeout) == (5, ("https://a.example",), 2.0)


def test_everything_that_is_wrong_is_reported_at_once(folder):
    found = problems(
        {"BIND_IP": "not an address"},
        {"BIND_PORT": "x", "HEARTBEAT_TIMEOUT": "5"},
        folder("HOOK_TIMEOT=1\nno line\n", "colour = 'red'\ntoken_lifetime = -1\n"),
    )

    assert len(found) == 7, found
    for part in (
        "BIND_IP (command line)",
        "BIND_PORT (environment)",
        "HEARTBEAT_TIMEOUT (environment)",
        "HOOK_TIMEOT (.env): no such setting; did you mean HOOK_TIMEOUT?",
        ".env, line 2: expected NAME=value",
        "COLOUR (yummy.toml): no such setting",
        "TOKEN_LIFETIME (yummy.toml): -1 is not usable",
    ):
        assert any(problem.startswith(part) for problem in found), part


@pytest.mark.parametrize("name", ["SALT_KEY", "INTEGRATION_KEY", "DATABASE_URL", "REDIS_URL"])
def test_the_value_of_a_secret_is_never_shown(name):
    (problem,) = problems(environ={name: "hush \udcff"})

    assert problem.startswith(f"{name} (environment): ")
    assert "hush" not in problem


def test_a_broken_line_is_not_shown(folder):
    (problem,) = problems(folder=folder(f"SALT_KEY {SECRET}\n"))

    assert SECRET not in problem


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("BIND_PROT", "BIND_PORT"),
        ("MAX_CONNECTION", "MAX_CONNECTIONS"),
        ("bind_port", "BIND_PORT"),
        ("YUMMY_BIND_PORT", "BIND_PORT"),
        ("YUMY_ENV", "YUMMY_ENV"),
        ("PYTHON_FILE_PATH", "PYTHON_FILES_PATH"),
    ],
)
@pytest.mark.parametrize("source", ["environment", ".env"])
def test_misspelt_names_are_errors(folder, source, name, meant):
    in_file = source == ".env"

    found = problems(environ={} if in_file else {name: "1"}, folder=folder(f"{name}=1\n" if in_file else ""))

    assert [f"{name} ({source}): no such setting; did you mean {meant}?"] == found


def test_an_unknown_name_with_the_prefix_is_an_error():
    assert problems(environ={"YUMMY_QQQQ": "1"}) == ["YUMMY_QQQQ (environment): no such setting"]


def test_names_of_others_are_left_alone(folder):
    others = {"PATH": "/bin", "HOST": "x", "PORT": "1", "REDIS_HOST": "x", "PYTHONPATH": "x", "SSL_CERT_FILE": "x"}

    assert Settings() == load(environ=others, folder=folder("POSTGRES_PASSWORD=x\n"))


def test_every_unknown_name_in_toml_is_an_error(folder):
    assert problems(folder=folder(toml="zzz = 1")) == ["ZZZ (yummy.toml): no such setting"]


def test_dotenv_lines_may_be_quoted_exported_and_remarked(folder):
    lines = [
        "# a remark",
        "",
        "export SERVER_NAME = 'my server'  # here",
        f'INTEGRATION_KEY="{SECRET}#not-a-remark"',
        "BIND_PORT=9000 # there",
        "API_KEY_NAME=x-key",
        "API_KEY_NAME=x-last",
        "INBOX=# nothing",
    ]

    settings = load(environ={}, folder=folder("\n".join(lines)))

    assert (
        settings.server_name,
        settings.bind_port,
        settings.api_key_name,
        settings.inbox,
    ) == ("my server", 9000, "x-last", 64)
    assert f"{SECRET}#not-a-remark" == settings.integration_key


@pytest.mark.parametrize("line", ["SERVER_NAME='open", 'SERVER_NAME="a" b', "1A=2", "= 3"])
def test_a_dotenv_line_that_makes_no_sense_is_named(folder, line):
    assert problems(folder=folder(f"\n{line}")) == [".env, line 2: expected NAME=value, or NAME='value'"]


def test_files_that_cannot_be_read_are_reported(tmp_path):
    (tmp_path / ".env").mkdir()
    (tmp_path / "yummy.toml").write_bytes(b"server_name = '\xff'")

    found = problems(folder=tmp_path)

    assert found == [".env: cannot be read: Is a directory", "yummy.toml: expected UTF-8 text"]


def test_toml_that_makes_no_sense_is_reported(folder):
    (problem,) = problems(folder=folder(toml="bind_port ="))
    assert problem.startswith("yummy.toml: no valid TOML: ")

    assert problems(folder=folder(toml="yummy = 1")) == ["yummy (yummy.toml): expected a table: [yummy]"]


def test_toml_that_says_a_thing_twice_is_reported(folder):
    assert problems(folder=folder(toml="BIND_PORT = 1\n[yummy]\nbind_port = 2\n")) == [
        "bind_port (yummy.toml): stands there twice; keep one"
    ]


def test_the_folder_of_scripts_has_two_names(tmp_path):
    for name in ("DEFAULT_PYTHON_FILES_PATH", "PYTHON_FILES_PATH"):
        assert Path("py") == load(environ={name: "py"}, folder=tmp_path).default_python_files_path

    both = {"DEFAULT_PYTHON_FILES_PATH": "a", "PYTHON_FILES_PATH": "a"}
    assert Path("a") == load(environ=both, folder=tmp_path).default_python_files_path

    both["PYTHON_FILES_PATH"] = "b"
    assert problems(environ=both) == [
        "PYTHON_FILES_PATH (environment): differs from DEFAULT_PYTHON_FILES_PATH, which is the same setting; keep one"
    ]


@pytest.mark.parametrize(
    ("command_line", "environ", "file"),
    [
        ({"DATABASE_PATH": "a.db"}, {"DATABASE_URL": "sqlite:///b.db"}, "a.db"),
        ({"DATABASE_URL": "sqlite:///a.db"}, {"DATABASE_PATH": "b.db"}, "a.db"),
        ({}, {"DATABASE_URL": "sqlite:///b.db"}, "b.db"),
    ],
)
def test_the_stronger_name_of_the_database_wins(tmp_path, command_line, environ, file):
    assert Path(file) == load(command_line, environ=environ, folder=tmp_path).sqlite_file


def test_two_databases_from_one_source_contradict_each_other():
    assert problems(environ={"DATABASE_URL": "sqlite:///b.db", "DATABASE_PATH": "a.db"}) == [
        "DATABASE_URL (environment): contradicts DATABASE_PATH; keep one of the two"
    ]


def test_a_contradiction_names_where_its_first_setting_came_from():
    assert [problem.partition(":")[0] for problem in problems(environ={"YUMMY_ENV": "production"})] == [
        "INTEGRATION_KEY (default)",
        "SALT_KEY (default)",
    ]
    assert [
        problem.partition(":")[0]
        for problem in problems(
            environ={"YUMMY_ENV": "production", "INTEGRATION_KEY": "YummyYummy", "SALT_KEY": SECRET}
        )
    ] == ["INTEGRATION_KEY (environment)"]


def test_a_bad_setting_is_not_reported_as_a_contradiction_as_well():
    (problem,) = problems(environ={"BIND_IP": "0.0.0.0", "SALT_KEY": "short", "INTEGRATION_KEY": "own"})  # noqa: S104  # not bound

    assert problem.startswith("SALT_KEY (environment): expected at least 32 bytes")
