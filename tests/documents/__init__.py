"""What the documents say can be done: every command in them parses, and every link leads somewhere."""
