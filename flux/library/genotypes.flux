# Genotypes: what copies of an allele contribute to a score, and statistics of one variant.
#
# g is the number of copies of the allele that a person has, from 0 to `ploidy`, which is 2, or 1 on
# a chromosome that the person has one of. It need not be whole: imputed genotypes are means.

additive(g) = g

dominant(g) = minimum(g, 1)

# Copies beyond the first of a pair; where there is only one, it counts.
recessive(g, ploidy) = maximum(g - (ploidy - 1), 0)

# A weight for each number of copies, and straight lines between them.
by_dosage(g, w0, w1, w2) = w0 + (w1 - w0)*minimum(g, 1) + (w2 - w1)*maximum(g - 1, 0)

# The sum over variants v of weights and effects.
polygenic_score[v](w[v], effect[v]) = sum[v](w*effect)
