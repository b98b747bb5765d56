# A decoder-only transformer with its variants. Each option is 1 or 0, and what it leaves out owns no
# parameters; `dropout` is a share.
#
#   post         normalise after each part, as Vaswani et al. (2017), and not before
#   rms          root mean squares in place of layer normalisation
#   sinusoidal   fixed positions; with `rotating`, positions turn queries and keys;
#                with neither, positions are learnt
#   rectified    ReLU in the feed-forward part; `gated`: SwiGLU; with neither, GELU in its tanh form
#   tied         the output matrix is the embedding
#   biased       linear maps and layer normalisation have biases
#   dropout      the share of values that a training step drops
#
# b batch, t and s time, n longest time, d width, g groups of heads that share keys and values,
# h heads in a group, k head size, f feed-forward, v vocabulary.

model transformer[n, d, g, h, k, f, v](
    tokens[b, t]: int, targets[b, t]: int;
    layers: int = 4, post: int = 0, rms: int = 0, sinusoidal: int = 0, rotating: int = 0,
    rectified: int = 0, gated: int = 0, tied: int = 0, biased: int = 1, dropout: real = 0
):
    param E[v, d] ~ normal(0, 0.02)
    param P[n, d] ~ normal(0, 0.02)
    param head[d, v] ~ normal(0, 0.02)
    known = E[v = tokens]
    placed = sinusoidal ? sqrt(size[d])*known + sinusoids[t, d]()
        : rotating ? known : known + P[n = t]
    x = repeat(transformer_block, layers)(
        dropout_layer(placed; rate = dropout);
        depth = layers, post = post, rms = rms, rotating = rotating, rectified = rectified,
        gated = gated, biased = biased, dropout = dropout
    )
    hidden = post ? x : normalised(x; rms = rms, biased = biased)
    logits = tied ? sum[d](hidden*E) : sum[d](hidden*head)
    loss = mean[b, t](cross_entropy(logits, targets))

# Two parts that each add to x, normalised before: Xiong et al. (2020), arXiv:2002.04745; or after:
# Vaswani et al. (2017), section 3.1, arXiv:1706.03762.
layer transformer_block[b, t, d, g, h, k, f](
    x[b, t, d];
    depth: int = 1, post: int = 0, rms: int = 0, rotating: int = 0, rectified: int = 0,
    gated: int = 0, biased: int = 1, dropout: real = 0
):
    first = normalised()
    second = normalised()
    looked = grouped_attention(
        post ? x : first(x; rms = rms, biased = biased);
        depth = depth, rotating = rotating, biased = biased, dropout = dropout
    )
    y = x + dropout_layer(looked; rate = dropout)
    z = post ? first(y; rms = rms, biased = biased) : y
    thought = feed_forward(
        post ? z : second(z; rms = rms, biased = biased);
        depth = depth, rectified = rectified, gated = gated, biased = biased
    )
    out = z + dropout_layer(thought; rate = dropout)
    post ? second(out; rms = rms, biased = biased) : out

layer normalised[d](x[d]; rms: int = 0, biased: int = 1):
    rms ? rms_norm(x) : layer_norm(x; biased = biased)

# Causal attention whose groups of h heads share one set of keys and values: Ainslie et al. (2023),
# arXiv:2305.13245. With h = 1 it is attention of g heads, with g = 1 multi-query attention.
layer grouped_attention[b, t, d, g, h, k](
    x[b, t, d]; depth: int = 1, rotating: int = 0, biased: int = 1, dropout: real = 0
):
    param Wq[d, g, h, k] ~ normal(0, 0.02)
    param Wk[d, g, k] ~ normal(0, 0.02)
    param Wv[d, g, k] ~ normal(0, 0.02)
    param Wo[g, h, k, d] ~ normal(0, 0.02/sqrt(2*depth))
    param bq[g, h, k] = 0
    param bk[g, k] = 0
    param bv[g, k] = 0
    param bo[d] = 0
    query = biased ? sum[d](x*Wq) + bq : sum[d](x*Wq)  # [t, g, h, k]
    key = biased ? sum[d](x*Wk) + bk : sum[d](x*Wk)    # [t, g, k]
    value = biased ? sum[d](x*Wv) + bv : sum[d](x*Wv)
    turned = rotating ? rotary(query) : query
    seen = rotating ? rotary(key) : key
    score = sum[k](turned*seen[t = s])/sqrt(size[k])   # [t, s, g, h]
    weight = softmax[s](where(s <= t, score, -inf))
    kept = training*dropout ? dropped(weight, random[b, t, s, g, h](), dropout) : weight
    y = sum[g, h, k](sum[s](kept*value[t = s])*Wo)
    biased ? y + bo : y

# Two linear maps with a bend between them; gated as SwiGLU: Shazeer, GLU Variants Improve
# Transformer (2020), equation 6, arXiv:2002.05202.
layer feed_forward[d, f](
    x[d]; depth: int = 1, rectified: int = 0, gated: int = 0, biased: int = 1
):
    param W1[d, f] ~ normal(0, 0.02)
    param V1[d, f] ~ normal(0, 0.02)
    param b1[f] = 0
    param W2[f, d] ~ normal(0, 0.02/sqrt(2*depth))
    param b2[d] = 0
    u = biased ? sum[d](x*W1) + b1 : sum[d](x*W1)
    bent = rectified ? relu(u) : gated ? silu(u)*sum[d](x*V1) : gelu_tanh(u)
    y = sum[f](bent*W2)
    biased ? y + b2 : y

# Fixed positions: Vaswani et al. (2017), section 3.5.
sinusoids[t, d]():
    angle = t*10000^(-2*floor(d/2)/size[d])
    where(d % 2 == 0, sin(angle), cos(angle))

# Rotary positions: Su et al., RoFormer (2021), equation 34, arXiv:2104.09864. Entries 2j and 2j + 1
# of x are a point of the plane, turned by t 10000^(-2j/size[k]); size[k] is even.
rotary[t, k](x[t, k]):
    angle = t*10000^(-2*floor(k/2)/size[k])
    other = x[k = k + 1 - 2*(k % 2)]
    x*cos(angle) + (2*(k % 2) - 1)*other*sin(angle)

# Dropout: Srivastava et al. (2014), section 4, with the scaling in the training step. u is uniform.
dropped(x, u, rate) = where(u < rate, 0, x)/(1 - rate)

layer dropout_layer[b, t, d](x[b, t, d]; rate: real = 0.1):
    training*rate ? dropped(x, random[b, t, d](), rate) : x
