"""What is tested: the maple tree (``maple``), fork (``mm``), and ports to real kernels (``kernel``)."""
