# GPT without biases, and with the embedding as output matrix, as nanoGPT trains it
# (https://github.com/karpathy/nanoGPT, `bias=False`): gains are all that is not a matrix.

layer norm_plain[d](x[d]):
    param gain[d] = 1
    c = x - mean[d](x)
    gain*c/sqrt(mean[d](c^2) + 1e-5)

layer attention_plain[t, d, h, k](x[t, d]; depth: int = 1):
    param Wq[d, h, k] ~ normal(0, 0.02)
    param Wk[d, h, k] ~ normal(0, 0.02)
    param Wv[d, h, k] ~ normal(0, 0.02)
    param Wo[h, k, d] ~ normal(0, 0.02/sqrt(2*depth))
    query = sum[d](x*Wq)
    key = sum[d](x*Wk)[t = s]
    value = sum[d](x*Wv)[t = s]
    score = sum[k](query*key)/sqrt(size[k])
    weight = softmax[s](where(s <= t, score, -inf))
    sum[h, k](sum[s](weight*value)*Wo)

layer mlp_plain[d, f](x[d]; depth: int = 1):
    param W1[d, f] ~ normal(0, 0.02)
    param W2[f, d] ~ normal(0, 0.02/sqrt(2*depth))
    sum[f](gelu(sum[d](x*W1))*W2)

layer block_plain[t, d, h, k, f](x[t, d]; depth: int = 1):
    y = x + attention_plain(norm_plain(x); depth = depth)
    y + mlp_plain(norm_plain(y); depth = depth)

model gpt_plain[n, d, h, k, f, v](tokens[b, t]: int, targets[b, t]: int; layers: int = 4):
    param E[v, d] ~ normal(0, 0.02)
    param P[n, d] ~ normal(0, 0.02)
    x = repeat(block_plain, layers)(E[v = tokens] + P[n = t]; depth = layers)
    hidden = norm_plain(x)
    logits = sum[d](hidden*E)
    loss = mean[b, t](cross_entropy(logits, targets))
