# Functions that every text can use. They are written so that neither a value nor a derivative
# overflows where the true one is finite; at a kink, the branch that is taken names the derivative.

# ---- Other names of operations -------------------------------------------------------------------

ln(x) = log(x)
sgn(x) = sign(x)
int(x) = trunc(x)
fabs(x) = abs(x)
pow(a, b) = a^b
square(x) = x^2
exp2(x) = 2^x
arcsin(x) = asin(x)
arccos(x) = acos(x)
arctan(x) = atan(x)
degrees(x) = x*(180/pi)
radians(x) = x*(pi/180)

# ---- Trigonometric and hyperbolic reciprocals and their inverses ----------------------------------
# DLMF 4.14, 4.23, 4.28 and 4.37; acot is the odd one, with values in [-pi/2, pi/2].

sec(x) = 1/cos(x)
csc(x) = 1/sin(x)
cot(x) = cos(x)/sin(x)
asec(x) = acos(1/x)
acsc(x) = asin(1/x)
acot(x) = atan(1/x)
sech(x) = 1/cosh(x)
csch(x) = 1/sinh(x)
coth(x) = 1/tanh(x)
asech(x) = acosh(1/x)
acsch(x) = asinh(1/x)
acoth(x) = atanh(1/x)

# ---- Special functions -----------------------------------------------------------------------------

digamma(x) = polygamma(0, x)
trigamma(x) = polygamma(1, x)
factorial(n) = gamma(n + 1)
lbeta(a, b) = lgamma(a) + lgamma(b) - lgamma(a + b)

# The distribution function of the standard normal, from erfc so that its lower tail keeps its digits.
normal_cdf(x) = 0.5*erfc(-x/sqrt(2))
normal_pdf(x) = exp(-0.5*x^2)/sqrt(2*pi)

# ---- Bounds and tests -------------------------------------------------------------------------------

clip(x, low, high) = minimum(maximum(x, low), high)
isnan(x) = x != x
isinf(x) = abs(x) == inf
isfinite(x) = abs(x) < inf

# As math.isclose of Python: PEP 485.
isclose(a, b, relative = 1e-9, absolute = 0):
    apart = abs(a - b)
    near = maximum(relative*maximum(abs(a), abs(b)), absolute)
    a == b or (apart <= near and apart < inf)

# ---- Activations -------------------------------------------------------------------------------------

# 1/(1 + exp(-x)). Both branches are analytic, so that every derivative is right at 0 too.
sigmoid(x):
    z = exp(where(x < 0, x, -x))
    where(x < 0, z, 1)/(1 + z)

# log(1 + exp(x)).
softplus(x) = where(x < 0, 0, x) + log1p(exp(where(x < 0, x, -x)))

log_sigmoid(x) = -softplus(-x)
logit(p) = log(p) - log1p(-p)

# The derivative at 0 is 0, the subgradient of least norm.
relu(x) = where(x <= 0, 0, x)
leaky_relu(x, slope = 0.01) = where(x <= 0, slope*x, x)
elu(x) = where(x <= 0, expm1(where(x <= 0, x, 0)), x)

# Hendrycks and Gimpel, Gaussian Error Linear Units (2016), arXiv:1606.08415: exact, and by tanh.
gelu(x) = 0.5*x*erfc(-x/sqrt(2))
gelu_tanh(x):
    c = sqrt(2/pi)
    0.5*x*(1 + tanh(x*(c + 0.044715*c*x^2)))

# By the product rule x^2 would come twice, under two factors; it is in every training step.
derivative gelu_tanh(x):
    c = sqrt(2/pi)
    y = tanh(x*(c + 0.044715*c*x^2))
    0.5*(1 + y + x*(1 - y^2)*(c + 3*0.044715*c*x^2))

# Elfwing, Uchibe and Doya (2017), arXiv:1702.03118; also called swish.
silu(x) = x*sigmoid(x)

# Misra (2019), arXiv:1908.08681.
mish(x) = x*tanh(softplus(x))

# ---- Along one axis -----------------------------------------------------------------------------------

# The largest value is taken out first, so that exp never overflows; the quotient does not change.
softmax[i](x):
    z = exp(x - stop(max[i](x)))
    z/sum[i](z)

# log(sum(exp(x))); where the largest value is infinite it is left in.
logsumexp[i](x):
    top = max[i](x)
    shift = stop(where(abs(top) < inf, top, 0))
    log(sum[i](exp(x - shift))) + shift

log_softmax[i](x) = x - logsumexp[i](x)
argmin[i](x) = argmax[i](-x)

# Of a whole population: divided by the size, not by one less.
variance[i](x) = mean[i]((x - mean[i](x))^2)
deviation[i](x) = sqrt(variance[i](x))
norm[i](x) = sqrt(sum[i](x^2))

# ---- Initial values -------------------------------------------------------------------------------------
# `random()` is uniform on [0, 1) over the axes of the parameter that is being initialised.

uniform(low, high) = low + (high - low)*random()

# Box and Muller, A Note on the Generation of Random Normal Deviates (1958).
normal(center, spread):
    radius = sqrt(-2*log1p(-random()))
    center + spread*radius*cos(2*pi*random())
