"""A pipeline of spaCy of the load time, with rules."""

import spacy

language = spacy.blank("en")
language.add_pipe("sentencizer")
ruler = language.add_pipe("entity_ruler")
ruler.add_patterns([{"label": "ITEM", "pattern": [{"LOWER": "order"}, {"IS_DIGIT": True}]}])


def main(params):
    text = " ".join(f"Order {number} is late. It's at No. {number} Main St." for number in range(params["n"]))
    document = language(text)
    return {
        "tokens": [token.text for token in document],
        "sentences": len(list(document.sents)),
        "items": [entity.text for entity in document.ents],
    }
