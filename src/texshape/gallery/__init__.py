"""A page of every picture and every decision, made of trial files: what `texshape gallery` writes."""
