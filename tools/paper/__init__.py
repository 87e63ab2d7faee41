"""The book on paper and as an e-book, made from the built pages of the site."""
