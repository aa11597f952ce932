"""Pictures: what is seen. Pixels, drawn scenes, photographs and the puzzles cut from them."""
