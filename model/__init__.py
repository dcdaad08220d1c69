"""What is right: the reference models. Standard library only; nothing of the project is imported here."""
