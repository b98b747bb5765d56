# Pointwise functions and operations along one axis that every text can use.

sigmoid(x):
    z = exp(where(x < 0, x, -x))
    where(x < 0, z, 1)/(1 + z)
