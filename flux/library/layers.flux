# Layers: parts of models that own parameters.
#
# b batch, t and s time, d model width, h heads, k head size, f feed-forward width, v vocabulary.

# y = x W + b, along one axis: `linear[d = i, e = h](x)` takes axis i to axis h.
layer linear[d, e](x[d]):
    param W[d, e] ~ normal(0, 1/sqrt(size[d]))
    param b[e] = 0
    sum[d](x*W) + b

# Layer normalisation: Ba, Kiros and Hinton (2016), equation 4, arXiv:1607.06450.
layer layer_norm[d](x[d]; biased: int = 1):
    param gain[d] = 1
    param bias[d] = 0
    c = x - mean[d](x)
    y = gain*c/sqrt(mean[d](c^2) + 1e-5)
    biased ? y + bias : y

# Root mean square normalisation: Zhang and Sennrich (2019), equation 4, arXiv:1910.07467;
# the small number is ours, for x = 0.
layer rms_norm[d](x[d]):
    param gain[d] = 1
    gain*x/sqrt(mean[d](x^2) + 1e-6)

# One learnt vector for each token.
layer embedding[v, d](tokens):
    param E[v, d] ~ normal(0, 0.02)
    E[v = tokens]

# One learnt vector for each of n places; t may be shorter than n.
layer position_embedding[t, n, d]():
    param P[n, d] ~ normal(0, 0.02)
    P[n = t]

# Causal attention with several heads: Vaswani et al. (2017), section 3.2, arXiv:1706.03762.
# `depth` is the number of blocks whose outputs are added up: Radford et al. (2019), section 2.3,
# start what each of a block's two parts adds by 1/sqrt(2 depth) smaller.
layer attention[t, d, h, k](x[t, d]; depth: int = 1):
    param Wq[d, h, k] ~ normal(0, 0.02)
    param Wk[d, h, k] ~ normal(0, 0.02)
    param Wv[d, h, k] ~ normal(0, 0.02)
    param bq[h, k] = 0
    param bk[h, k] = 0
    param bv[h, k] = 0
    param Wo[h, k, d] ~ normal(0, 0.02/sqrt(2*depth))
    param bo[d] = 0
    query = sum[d](x*Wq) + bq                       # [t, h, k]
    key = (sum[d](x*Wk) + bk)[t = s]                # [s, h, k]: the same time, under a second name
    value = (sum[d](x*Wv) + bv)[t = s]              # [s, h, k]
    score = sum[k](query*key)/sqrt(size[k])         # [t, s, h]
    weight = softmax[s](where(s <= t, score, -inf)) # nobody looks ahead
    sum[h, k](sum[s](weight*value)*Wo) + bo         # [t, d]

# Two linear maps with a bend between them.
layer mlp[d, f](x[d]; depth: int = 1):
    param W1[d, f] ~ normal(0, 0.02)
    param b1[f] = 0
    param W2[f, d] ~ normal(0, 0.02/sqrt(2*depth))
    param b2[d] = 0
    sum[f](gelu_tanh(sum[d](x*W1) + b1)*W2) + b2

# A transformer's block, normalised before each part: Xiong et al. (2020), arXiv:2002.04745.
layer block[t, d, h, k, f](x[t, d]; depth: int = 1):
    y = x + attention(layer_norm(x); depth = depth)
    y + mlp(layer_norm(y); depth = depth)
