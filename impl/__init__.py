"""What is tested: the maple tree (``impl.maple``), fork (``impl.mm``) and ports to real kernels (``impl.kernel``)."""
