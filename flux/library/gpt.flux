# GPT-2, a decoder-only transformer: Radford et al., Language Models are Unsupervised Multitask
# Learners (2019). Learnt positions, normalisation before each part, GELU in its tanh form, an
# output matrix of its own without a bias.
#
# b batch, t time, n longest time, d width, h heads, k head size, f feed-forward, v vocabulary.

model gpt[n, d, h, k, f, v](tokens[b, t]: int, targets[b, t]: int; layers: int = 4):
    param E[v, d] ~ normal(0, 0.02)
    param P[n, d] ~ normal(0, 0.02)
    x = repeat(block, layers)(E[v = tokens] + P[n = t]; depth = layers)
    hidden = layer_norm(x)
    param head[d, v] ~ normal(0, 0.02)
    logits = sum[d](hidden*head)
    loss = mean[b, t](cross_entropy(logits, targets))
