"""What holds for every order, every repetition and every moment."""
