"""Operations as data: what is done, its form in a case, and what it answers."""
