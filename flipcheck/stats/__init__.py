"""How sure a number is: intervals, the bootstrap, tests, and corrections for many of them."""
