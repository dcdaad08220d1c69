"""Known mistakes, planted to see that they are found."""
