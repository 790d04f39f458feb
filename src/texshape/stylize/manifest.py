"""The manifest of a stylized set: a row an image, from what and by what it was made.

- ``index``: number over the whole set; ``imagename``: of the result;
- ``source``, ``source_sha256``: name and hash of the content (of the file, or of the pixels of an
  image set's image); ``style``, ``style_sha256``: the same of the style's pixels as they were used;
- ``seed``, ``alpha``, ``engine``; ``weights``: encoder and decoder, each with a hash.
"""

MANIFEST_COLUMNS = [
    "index",
    "imagename",
    "source",
    "source_sha256",
    "style",
    "style_sha256",
    "seed",
    "alpha",
    "engine",
    "weights",
]
