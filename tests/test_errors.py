import ast
import inspect

from tendigits import errors


def tree(cls: type, depth: int = 0) -> list[str]:
    return [cls.__name__] + [line for child in cls.__subclasses__() for line in tree(child, depth + 1)]


def test_the_drawn_tree_is_the_tree():
    drawn = [line for line in errors.__doc__.splitlines() if line.strip()][1 : 1 + len(tree(errors.TendigitsError))]
    names = [line.strip(" │├└─").split()[0] for line in drawn]
    assert names == tree(errors.TendigitsError)


def test_exit_codes():
    for name, cls in inspect.getmembers(errors, inspect.isclass):
        if issubclass(cls, errors.UserError):
            assert cls.exit_code == 2, name
        elif cls is not errors.Interrupted:
            assert cls.exit_code == 1, name
    assert errors.Interrupted("", 2).exit_code == 130
    assert errors.Interrupted("", 15).exit_code == 143


def test_every_class_says_what_it_is():
    for node in ast.parse(inspect.getsource(errors)).body:
        if isinstance(node, ast.ClassDef):
            assert ast.get_docstring(node)
