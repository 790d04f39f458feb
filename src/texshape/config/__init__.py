"""Parameters: a model for each section, with the type, the bounds and the meaning of every key.

``params.yaml`` gives the values. What rules and steps check, the schema that editors read and the reference
page are all made from the models. A technique's model lies in its own folder.
"""
