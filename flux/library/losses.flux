# Losses: how far an answer is from what was asked.

# -log of the probability of each target, in nats, from logits over axis v; it never overflows.
cross_entropy[v](logits[v], targets) = logsumexp[v](logits) - logits[v = targets]

# The same for a yes or no answer: y is 1 or 0.
binary_cross_entropy(logit, y) = maximum(logit, 0) - logit*y + log1p(exp(-abs(logit)))

squared_error(found, wanted) = (found - wanted)^2
