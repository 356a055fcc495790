"""Small networks: the models, how they are trained and attacked, and what is proven about them."""
