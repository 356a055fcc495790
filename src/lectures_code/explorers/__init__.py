"""What a reader drags: for each explorer a class, a JavaScript file and a style sheet of one name.

The class holds the settings and the data, draws the still picture of its first state, and computes
nothing that moves. All mathematics of the moving picture is in the JavaScript file, so that it is
the same in Binder, Colab and JupyterLab, where a kernel runs, and on the site, where none does.
`base.py`, `toolkit.js` and `base.css` are shared by all.
"""
