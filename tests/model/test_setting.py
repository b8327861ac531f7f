from tendigits.model.recipe import Recipe
from tendigits.model.recipe_files import RECIPES
from tendigits.model.setting import GROUPS, settings


def test_every_field_of_a_recipe_is_described_once():
    found = {setting.name: setting for setting in settings()}
    assert set(found) == set(Recipe().flat()) - {"name"}
    assert len(found) == len(settings())
    assert {name for names in GROUPS.values() for name in names} < set(found)
    for name, value in Recipe().flat().items():
        if name != "name":
            assert found[name].default == value
            assert found[name].help.endswith(".")


def test_kinds_choices_and_limits():
    found = {setting.name: setting for setting in settings()}
    assert {name: found[name].kind for name in ("batch_norm", "epochs", "dropout", "optimizer", "metrics")} == {
        "batch_norm": "switch", "epochs": "integer", "dropout": "number", "optimizer": "choice", "metrics": "choices",
    }  # fmt: skip
    assert (found["hidden"].kind, found["hidden"].minimum, found["hidden"].maximum) == ("integers", 1, 16384)
    assert (found["convolutions"].kind, found["convolutions"].minimum) == ("texts", None)
    assert (found["epochs"].minimum, found["epochs"].maximum) == (1, 10000)
    assert (found["learning_rate"].minimum, found["augmentation.rotate"].maximum) == (0, 45)
    assert "sgd" in found["optimizer"].choices
    assert found["metrics"].choices[0] == "accuracy"
    for recipe in RECIPES.values():
        for name, value in recipe.flat().items():
            if name != "name" and found[name].kind == "number":
                assert found[name].minimum <= value <= found[name].maximum
