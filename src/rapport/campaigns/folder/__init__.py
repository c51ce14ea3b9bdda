"""A campaign as a folder of text: how it is written, read, checked and begun."""
