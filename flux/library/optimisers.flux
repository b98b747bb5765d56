# Optimisers: how parameters move along their gradients.
#
# p parameters, g their gradients, `step` the number of steps done before this one.
# State that an optimiser keeps has a function of its own, which gives its next value.

# The Euclidean norm of a whole vector.
squared_norm[p](g[p]) = sum[p](g^2)

# What gradients are multiplied by so that their norm is at most `limit`.
clip_factor(norm, limit) = where(norm > limit, limit/norm, 1)

# Each entry of a gradient between -limit and limit.
clip_entries(g, limit) = clip(g, -limit, limit)

# The mean over `count` batches, to which each adds its share.
mean_gradient(mean, g, count) = mean + g/count

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

# Adam: Kingma and Ba, Adam: A Method for Stochastic Optimization (2015), algorithm 1,
# arXiv:1412.6980. It is AdamW without its decay; a decay of the loss joins the gradient instead.
adam_gradient(p, g, decay) = g + decay*p

# Gradient descent.
sgd(p, g, rate, decay) = p*(1 - rate*decay) - rate*g

# With momentum: Sutskever et al., On the importance of initialization and momentum (2013),
# equations 1 and 2, with the rate outside the velocity.
sgd_velocity(velocity, g, momentum) = momentum*velocity + g

# Nesterov's gradient, as it looks from where the last step arrived: the same paper, equations 3
# and 4, in the variables of Bengio et al., Advances in Optimizing Recurrent Networks (2013),
# equation 7, arXiv:1212.0901.
nesterov_gradient(velocity, g, momentum) = g + momentum*velocity

# Lion: Chen et al., Symbolic Discovery of Optimization Algorithms (2023), algorithm 2,
# arXiv:2302.06675.
lion(p, moment, g, rate, beta1, decay) =
    p*(1 - rate*decay) - rate*sign(beta1*moment + (1 - beta1)*g)

lion_moment(moment, g, beta2) = beta2*moment + (1 - beta2)*g

# What keeps a step out whose loss or gradient is not finite: then, and wherever the next value
# itself would not be finite, the old value stays.
guarded(next, old, norm, loss):
    whole = norm < inf && abs(loss) < inf
    where(whole && abs(next) < inf, next, old)

# A gradient without its entries that are not finite.
zeroed(g) = where(abs(g) < inf, g, 0)
