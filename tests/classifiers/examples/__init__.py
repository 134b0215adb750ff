"""One small model a classifier: `settings(folder)` makes it in an empty folder and says how to load it.

The file has the name of the classifier's file.
"""
