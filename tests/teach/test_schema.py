from tendigits.teach.schema import SCHEMA, metadata


def test_every_table_is_there_and_the_version_is_a_number():
    assert set(metadata.tables) == {"version", "corrections", "networks"}
    assert SCHEMA >= 1


def test_what_a_correction_must_have():
    columns = metadata.tables["corrections"].columns
    assert {column.name for column in columns if column.nullable} == {"label", "said"}
    assert metadata.tables["corrections"].c.digest.unique
