"""The reference for authors of scripts is what the code says, and says all of it."""

import ast
from pathlib import Path

import attrs

import yummy
from yummy import constants, room, user
from yummy.model import HOOK_MODELS
from yummy.reference_notes import FIELDS, REPORTS
from yummy.reference_page import reference_page

SOURCE = Path(yummy.__file__).parent
DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "reference.md").read_text(encoding="utf-8")


def test_the_page_is_up_to_date():
    """`python -m yummy.reference_page > docs/reference.md` writes it anew."""
    assert reference_page() == PAGE


def test_every_hook_model_field_and_accessor_is_there():
    for name, model in HOOK_MODELS.items():
        section = PAGE.partition(f"\n### {model.__name__}\n")[2].partition("\n#")[0]
        assert f"`pre_{name}(model)`, `post_{name}(model, success)`" in section
        common = PAGE.partition("\n### Every model\n")[2].partition("\n#")[0]
        accessors = {key for key in dir(model) if key.startswith(("get_", "set_"))}
        for shown in {*accessors, *(field.name for field in attrs.fields(model))}:
            assert f"`{shown}`" in section + common, (name, shown)


def test_every_function_and_constant_is_there():
    for module in (room, user):
        name = module.__name__.rpartition(".")[2]
        functions = {key for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
        for function in functions:
            if function.islower() and not function.startswith("_"):
                assert f"### `{name}.{function}`\n" in PAGE
    for key in vars(constants):
        if key.isupper():
            assert f"`{key}`" in PAGE


def test_everything_that_a_script_imports_is_there():
    for name in yummy.__all__:
        if not name.startswith("_"):
            assert f"`{name}`" in PAGE or f"`yummy.{name}`" in PAGE or f"### `{name}" in PAGE or f" {name}" in PAGE


def test_no_field_is_described_that_no_model_has():
    fields = {field.name for model in HOOK_MODELS.values() for field in attrs.fields(model)}
    of_models = {f"{model.__name__}.{field.name}" for model in HOOK_MODELS.values() for field in attrs.fields(model)}
    assert FIELDS.keys() <= fields | of_models


def test_every_kind_of_report_is_there_and_no_other():
    kinds = set()
    for path in (SOURCE / "hooks").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Trouble":
                kinds |= {argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)}
    # The others are chosen where an exception is described.
    assert {*kinds, "sandbox"} == REPORTS.keys()
