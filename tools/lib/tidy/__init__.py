"""The checks of tools/tidy, a module each. A check is a function from the Tree to (path, line, message)."""
