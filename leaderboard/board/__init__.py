"""The board: entries scored, compared and ranked within tracks."""
