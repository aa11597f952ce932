"""The site: the board as static pages and exports."""
