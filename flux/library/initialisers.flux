# Initial values of parameters, beside `normal` and `uniform`: `param W[d, f] ~ xavier_normal(...)`.
# The last three draw nothing: they are functions of the places in an embedding E[v, d] alone, with a
# mean square of about spread^2.

# Glorot and Bengio, Understanding the Difficulty of Training Deep Feedforward Neural Networks
# (2010), equations 12 and 16: the variance 2/(fan_in + fan_out).
xavier_normal(fan_in, fan_out) = normal(0, sqrt(2/(fan_in + fan_out)))

xavier_uniform(fan_in, fan_out) = uniform(-1, 1)*sqrt(6/(fan_in + fan_out))

# He et al., Delving Deep into Rectifiers (2015), equation 10, arXiv:1502.01852: the variance
# 2/fan_in, for what a ReLU follows.
he_normal(fan_in) = normal(0, sqrt(2/fan_in))

he_uniform(fan_in) = uniform(-1, 1)*sqrt(6/fan_in)

# Token v is point v + 1 of a lattice: entry d is (v + 1) sqrt(p) modulo 1, p the d-th prime, moved
# and stretched to mean 0 and variance spread^2. Richtmyer (1951); Niederreiter, Random Number
# Generation and Quasi-Monte Carlo Methods (1992), section 3.1.
prime_lattice[v, d](spread) = spread*sqrt(12)*((v + 1)*sqrt(prime[d]()) % 1 - 0.5)

# Token v stands at place v of Ulam's spiral (Stein, Ulam and Wells, 1964), whose coordinates are seen
# through waves: entries 4j and 4j + 1 are sine and cosine of x 10000^(-4j/size[d]), the next two
# those of y.
ulam_spiral[v, d](spread):
    place = where(d % 4 < 2, ulam_x(v), ulam_y(v))
    angle = place*10000^(-4*floor(d/4)/size[d])
    spread*sqrt(2)*where(d % 2 == 0, sin(angle), cos(angle))

# Token v stands, in the j-th plane, at the angle (j + 1)(v + 1) pi (3 - sqrt(5)): the golden angle,
# by which a sunflower sets its seeds. Vogel, A Better Way to Construct the Sunflower Head (1979).
golden_angle[v, d](spread):
    angle = (floor(d/2) + 1)*(v + 1)*pi*(3 - sqrt(5))
    spread*sqrt(2)*where(d % 2 == 0, cos(angle), sin(angle))

# ---- Ulam's spiral ---------------------------------------------------------------------------------
# Place n is on side r, floor(r^2/4) places having gone before; sides go right, up, left, down.

ulam_x(n):
    r = floor(sqrt(4*n + 1))
    zigzag(floor(r/2)) + (n - floor(r^2/4))*where(r % 2 == 1, 2 - r % 4, 0)

ulam_y(n):
    r = floor(sqrt(4*n + 1))
    zigzag(floor((r - 1)/2)) + (n - floor(r^2/4))*where(r % 2 == 0, r % 4 - 1, 0)

# 0, 1, -1, 2, -2, ...: where the sides begin.
zigzag(m) = where(m % 2 == 1, (m + 1)/2, -m/2)

# ---- Primes ----------------------------------------------------------------------------------------

# The prime with number d, from 0: as many numbers from 0 on have no more than d primes up to them.
# The primes with numbers below D lie below 8D for D up to 1,024; beyond, the value is nan.
prime[d]():
    start = 8*d[d = eight]
    found = sum[eight](few[d](start) + few[d](start + 1) + few[d](start + 2) + few[d](start + 3)
        + few[d](start + 4) + few[d](start + 5) + few[d](start + 6) + few[d](start + 7))
    where(size[d] <= 1024, found, nan)

# Whether no more than d primes are at most n.
few[d](n) = primes_to[d](n) <= d

primes_to[d](n):
    from = 8*d[d = block]
    sum[block](counted[d](from, n) + counted[d](from + 1, n) + counted[d](from + 2, n)
        + counted[d](from + 3, n) + counted[d](from + 4, n) + counted[d](from + 5, n)
        + counted[d](from + 6, n) + counted[d](from + 7, n))

counted[d](m, n) = where(m <= n, is_prime[d](m), 0)

# By trial: right for n below the square of size[d] + 2.
is_prime[d](n):
    divisor = (d + 2)[d = trial]
    n >= 2 and prod[trial](n % divisor != 0 or divisor >= n)
