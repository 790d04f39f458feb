"""The claims of each section of the article that belong to no single technique."""
