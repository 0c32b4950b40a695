"""Reports on evaluated judges: a page of HTML, Markdown, and a table of every figure."""
