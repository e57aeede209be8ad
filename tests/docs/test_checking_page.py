"""The page about checking: what it shows is what a check says."""

import json
import re
from pathlib import Path

from yummy.checking.examination import examine
from yummy.hooks.bounds import hook_limits
from yummy.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "checking.md").read_text(encoding="utf-8")

SCRIPT = """\
from yummy import room

def pre_pley(model):
    print(model)




def post_play(model, success):
    if success:
        moves = 1
    moves = room.get_rom_meta(model.room_id, "moves")
"""


def test_its_reports_are_those_of_a_check(tmp_path):
    (tmp_path / "game.py").write_text(SCRIPT, encoding="utf-8")

    found = examine(tmp_path, Settings(), hook_limits(Settings()))

    for problem in found.problems:
        assert problem.text in PAGE
    assert found.summary in PAGE
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    plain = found.to_plain()
    plain["problems"] = [one for one in plain["problems"] if one["severity"] == "error"]
    assert json.loads(example) == plain
