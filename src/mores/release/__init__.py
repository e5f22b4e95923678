"""What leaves the house: a pack, published forms, weights for use, and traffic watched."""
