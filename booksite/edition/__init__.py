"""Write the readers' edition: chapters as notebooks without markup of the book's builder.

python -m booksite.build edition     from the stored outputs, into _build/edition
"""
