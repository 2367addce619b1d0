"""The unit tests of the app, of what needs no database and no other server. `python -m tests FOLDER` runs them."""
