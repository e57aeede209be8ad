from yummy.hooks.report import PATH_LINES, Place, Trouble, format_report


def test_a_trouble_travels_as_plain_data():
    place = Place("a.py", 3, "x = 1", 0, 1, "f")
    trouble = Trouble("error", "it failed", place, (place, Place("b.py")), "mend it", "pre_play")
    assert trouble == Trouble.from_plain(trouble.to_plain())
    bare = Trouble("error", "it failed")
    assert bare == Trouble.from_plain(bare.to_plain())
    assert "error: it failed" == format_report(bare)


def test_the_caret_stands_below_its_place_after_tabs_too():
    trouble = Trouble("error", "x", Place("a.py", 12, "\t\tif é = 1:", 5, 6, "f"))
    assert [
        "error: x",
        "  --> a.py:12 in f",
        "   |",
        "12 | \t\tif é = 1:",
        "   | \t\t   ^",
    ] == format_report(trouble).splitlines()


def test_long_things_are_shortened():
    steps = tuple(Place("a.py", number + 1, f"step {number}", function="f") for number in range(100))
    report = format_report(Trouble("error", "x" * 10000, steps[-1], steps))
    lines = report.splitlines()
    assert len(lines) < PATH_LINES + 10
    assert f"      ... {100 - PATH_LINES} more ..." in lines
    assert all(len(line) < 600 for line in lines)


def test_everything_that_is_known_is_said_in_order():
    report = format_report(
        Trouble("error", "it failed", Place("a.py"), advice="mend it", hook="pre_play"),
        revision="3 (abc)",
        about={"type": "Play", "user": "u1"},
    )
    assert [
        "error: it failed",
        "  --> a.py",
        "  = hook: pre_play of revision 3 (abc)",
        "  = message: type Play, user u1",
        "  = to do: mend it",
    ] == report.splitlines()
    assert "  = revision: 3" in format_report(Trouble("error", "it failed"), revision="3")
