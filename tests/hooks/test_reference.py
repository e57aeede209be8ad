import re
from pathlib import Path

from yummy import room, user
from yummy.hooks.reference import reference_table

PAGE = Path(__file__).parent.parent.parent / "docs" / "hooks.md"


def test_the_page_for_authors_holds_the_table_of_hooks():
    assert reference_table() in PAGE.read_text()


def test_the_page_for_authors_names_every_function_of_the_api():
    page = PAGE.read_text()
    for module in (room, user):
        name = module.__name__.removeprefix("yummy.")
        functions = {key for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
        for function in functions:
            if function.islower() and not function.startswith("_"):
                assert f"`{name}.{function}(" in page


async def test_the_page_s_first_hook_works(serve_scripts, pre_play, room):
    (script,) = re.findall(r"```python\n(from yummy import fail, room\n.*?)```", PAGE.read_text(), re.DOTALL)
    async with serve_scripts(script) as host:
        assert "wrong_cell" == (await host.call(pre_play({"cell": 12}, rooms=(room,)))).code
        assert {} == (await host.call(pre_play({"cell": 3}, rooms=(room,)))).changes
