"""The shop in use: people who shop, and the story of what happened, hop by hop."""
