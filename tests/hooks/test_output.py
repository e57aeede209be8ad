"""What scripts print and log reaches the server's log, with its place, and bounded."""

import pytest
import structlog.testing

from yummy.hooks.calls import HookLimits


@pytest.fixture
def lines(serve_scripts, pre_play):
    """What one call of a script writes."""

    async def run(script, limits=None, calls=1):
        with structlog.testing.capture_logs() as logs:
            async with serve_scripts(script, limits=limits) as host:
                for _ in range(calls):
                    await host.call(pre_play())
        return [line for line in logs if "pre_play" == line.get("hook")]

    return run


async def test_print_carries_file_line_hook_and_revision(lines):
    script = (
        "import sys\ndef say():\n    print('a', 1)\ndef pre_play(model):\n    say()\n    print('b', file=sys.stderr)\n"
    )
    first, second = await lines(script)
    assert ("a 1", "game.py", 3, "info") == tuple(first[key] for key in ("event", "file", "line", "log_level"))
    assert ("b", "game.py", 6, "warning") == tuple(second[key] for key in ("event", "file", "line", "log_level"))
    assert first["revision"].startswith("1 (")


async def test_lines_are_split_and_joined_as_they_were_meant(lines):
    script = (
        "def pre_play(model):\n    print('a\\n\\nb')\n    print('c', end='')\n    print('d')\n    print('e', end='')"
    )
    assert ["a", "", "b", "cd", "e"] == [line["event"] for line in await lines(script)]


async def test_logging_of_any_kind_arrives_with_its_level(lines):
    script = """
import logging, warnings
logging.basicConfig(level=logging.DEBUG)
log = logging.getLogger("game")
def pre_play(model):
    log.debug("d %s", 1)
    log.info("i")
    log.warning("w %d", "not a number")
    log.critical("c")
    try: 1 / 0
    except Exception: log.exception("e")
    warnings.warn("old")
"""
    found = await lines(script)
    assert ["debug", "info", "warning", "critical", "error", "warning"] == [line["log_level"] for line in found][:6]
    assert "d 1" == found[0]["event"]
    assert "cannot be formatted" in found[2]["event"]
    assert "ZeroDivisionError" in found[4]["event"]
    assert 11 == found[4]["line"]
    assert "old" in found[5]["event"]


async def test_a_long_line_is_cut(lines):
    script = "def pre_play(model):\n    print('é' * 100)\n    for _ in range(100000): print('x' * 10, end='')"
    first, second = await lines(script, HookLimits(log_line_bytes=51, timeout=60.0))
    assert "é" * 25 + " [149 more bytes]" == first["event"]
    assert "x" * 51 + " [999949 more bytes]" == second["event"]


async def test_too_many_lines_of_a_call_are_counted(lines):
    script = "def pre_play(model):\n    for n in range(7): print(n)"
    found = await lines(script, HookLimits(log_lines=3), calls=2)
    assert ["0", "1", "2", "4 more lines of this call suppressed (at most 3 a call)"] * 2 == [
        line["event"] for line in found
    ]


async def test_text_that_is_no_unicode_is_shown_escaped(lines):
    (line,) = await lines("def pre_play(model): print('\\ud800')")
    assert "\\ud800" == line["event"]


async def test_what_a_script_printed_before_it_failed_is_there(lines):
    first, second = await lines("def pre_play(model):\n    print('near')\n    1 / 0")
    assert ("near", "error") == (first["event"], second["log_level"])


async def test_odd_uses_of_the_streams_fail_or_pass_like_elsewhere(lines):
    script = """
import sys
def pre_play(model):
    try: sys.stdout.write(b"x")
    except TypeError as error: print(error)
    sys.stdout.writelines(["a\\n", "b\\n"])
    sys.stdout.flush()
    print(sys.stdout.writable(), sys.stdout.isatty())
"""
    assert ["write() argument must be str, not bytes", "a", "b", "True False"] == [
        line["event"] for line in await lines(script)
    ]


async def test_threads_of_scripts_may_print(lines):
    script = """
import threading
def pre_play(model):
    thread = threading.Thread(target=print, args=("from a thread",))
    thread.start()
    thread.join()
"""
    assert [line["event"] for line in await lines(script, HookLimits(sandbox=False))] == ["from a thread"]
