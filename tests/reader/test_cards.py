"""The cards are what reader/cards.py writes, and Hugging Face's own library reads them."""

import hashlib

import pytest
from huggingface_hub import DatasetCard, ModelCard

import cards


@pytest.mark.parametrize("name", [*cards.cards()])
def test_a_card_is_as_its_sources_are(name):
    assert (cards.CARDS / name).read_text(encoding="utf-8") == cards.cards()[name], "run python reader/cards.py"


@pytest.mark.parametrize("name", [*cards.NETWORKS])
def test_hugging_face_reads_a_model_card(name):
    card = ModelCard.load(cards.CARDS / f"{name}.md")
    assert card.data.license == "apache-2.0"
    assert card.data.eval_results
    for result in card.data.eval_results:
        assert f"{result.metric_value:.1%}" in card.text, "the head and the table agree"
    file = cards.SOURCE / cards.NETWORKS[name].file
    assert hashlib.sha256(file.read_bytes()).hexdigest() in card.text
    for heading in ("Measured", "Data", "Limits"):
        assert f"## {heading}\n" in card.text


def test_hugging_face_reads_the_data_card():
    card = DatasetCard.load(cards.CARDS / "data.md")
    assert card.data.source_datasets == [cards.DATA_SET]
    for source in ("CC BY-SA 3.0", "CC BY 4.0", "MIT", "BSD", "OFL-1.1"):
        assert source in card.text
