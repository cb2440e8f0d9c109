"""Words and their stems."""

from nltk import FreqDist
from nltk.stem import PorterStemmer
from nltk.tokenize import wordpunct_tokenize

stemmer = PorterStemmer()


def main(params):
    words = wordpunct_tokenize("Customers ordered gears; ordering gears pleases customers. " * params["n"])
    return {"stems": dict(FreqDist(stemmer.stem(word) for word in words).most_common(4))}
