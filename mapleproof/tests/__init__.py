"""What every port of the tree must pass, installed with the rest: a kernel's tree is tested without a clone.

pytest --port kernel:PATH --pyargs mapleproof.tests
"""
