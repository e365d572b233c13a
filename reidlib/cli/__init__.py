"""The commands, one file for each thing a user wants. Each file has `register(app)`."""
