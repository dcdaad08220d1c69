"""Cases as pictures: in a terminal, and as a page for a browser.

picture.py      what there is to see, step by step: the data behind terminal and page
trees.py        maple trees as items of a picture       tree_case.py    a case about trees, carried out
spaces.py       address spaces as items of a picture    space_case.py   a case about address spaces
watch.py        a fork looked at in the middle          terminal.py     the picture as text
page.py         the picture as a page                   run_page.py     a whole run as a page
gallery.py      the pages in docs/gallery
"""
