"""The commands that are not the desk's."""
