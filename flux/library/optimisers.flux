# Optimisers: how parameters move along their gradients.
#
# p parameters, g their gradients, `step` the number of steps done before this one.
# State that an optimiser keeps has a function of its own, which gives its next value.

# The Euclidean norm of a whole vector.
squared_norm[p](g[p]) = sum[p](g^2)

# What gradients are multiplied by so that their norm is at most `limit`.
clip_factor(norm, limit) = where(norm > limit, limit/norm, 1)

# AdamW: Loshchilov and Hutter, Decoupled Weight Decay Regularization (2019), algorithm 2,
# arXiv:1711.05101. Moments are kept as discounted sums, sum of beta^i g over the steps before;
# divided by the sum of their weights, (1 - beta^n)/(1 - beta), they are the paper's corrected
# means. That division is of scalars, and moves from the moments to the rate and to epsilon.
adamw_moment1(moment1, g, beta1) = beta1*moment1 + g

adamw_moment2(moment2, g, beta2) = beta2*moment2 + g^2

adamw(p, moment1, moment2, step, rate, beta1, beta2, epsilon, decay):
    n = step + 1
    weight1 = (1 - beta1)/(1 - beta1^n)
    root2 = sqrt((1 - beta2)/(1 - beta2^n))
    p*(1 - rate*decay) - rate*weight1/root2*moment1/(sqrt(moment2) + epsilon/root2)

# Gradient descent with momentum: Sutskever et al., On the importance of initialization and
# momentum (2013), equations 1 and 2, with the rate outside the velocity.
sgd_velocity(velocity, g, momentum) = momentum*velocity + g

sgd(p, velocity, rate, decay) = p*(1 - rate*decay) - rate*velocity

# A rate that grows linearly over the first `warm_up` steps and then falls along half a cosine to
# `final` times its peak: Loshchilov and Hutter, SGDR (2017), equation 5, arXiv:1608.03983.
warm_up_cosine(step, peak, warm_up, steps, final):
    progress = minimum(1, (step - warm_up)/maximum(1, steps - warm_up))
    falling = peak*(final + (1 - final)*0.5*(1 + cos(pi*progress)))
    rising = peak*(step + 1)/maximum(1, warm_up)
    where(step < warm_up, rising, falling)

# What keeps a step out whose loss or gradient is not finite: then, and wherever the next value itself
# would not be finite, the old value stays.
guarded(next, old, norm, loss):
    whole = norm < inf && abs(loss) < inf
    where(whole && abs(next) < inf, next, old)

# A gradient without its entries that are not finite.
zeroed(g) = where(abs(g) < inf, g, 0)
