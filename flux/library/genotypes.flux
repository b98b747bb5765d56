# Genotypes: what copies of an allele contribute to a score, and statistics of one variant.
#
# g is the number of copies of the allele that a person has, from 0 to `ploidy`, which is 2, or 1 on
# a chromosome that the person has one of. It need not be whole: imputed genotypes are means.

additive(g) = g

dominant(g) = minimum(g, 1)

# Copies beyond the first of a pair; where there is only one, it counts.
recessive(g, ploidy) = maximum(g - (ploidy - 1), 0)

# As deviations from the mean, p the allele's frequency; in units of their spread under Hardy-Weinberg
# proportions. Everybody has the mean of an allele that nobody lacks or has.
centered(g, ploidy, p) = g - ploidy*p

standardized(g, ploidy, p):
    variance = ploidy*p*(1 - p)
    where(variance > 0, (g - ploidy*p)/sqrt(variance), 0)

# A weight for each number of copies, and straight lines between them.
by_dosage(g, w0, w1, w2) = w0 + (w1 - w0)*minimum(g, 1) + (w2 - w1)*maximum(g - 1, 0)

# The sum over variants v of weights and effects.
polygenic_score[v](w[v], effect[v]) = sum[v](w*effect)

# Statistics of one variant, from how many people have two, one and no copies of an allele.

allele_frequency(n2, n1, n0) = (2*n2 + n1)/(2*(n2 + n1 + n0))

missing_rate(called, missing) = missing/(called + missing)

# Pearson's chi-square for Hardy-Weinberg proportions, one degree of freedom; 0 where all people have
# the same homozygote.
hardy_chi_square(n2, n1, n0):
    one = 2*n2 + n1
    other = 2*n0 + n1
    where(one*other > 0, (n2 + n1 + n0)*((4*n2*n0 - n1^2)/(one*other))^2, 0)

# The upper tail of a chi-square with one degree of freedom.
chi_square_tail(x) = erfc(sqrt(x/2))

# The squared correlation of two columns, from their sums.
squared_correlation(n, x, y, xx, yy, xy) = (n*xy - x*y)^2/((n*xx - x^2)*(n*yy - y^2))

# A line through residuals: g and y are sums of squares and products after the covariates' part has
# been taken out, so that slope and error are those of the whole regression (Frisch and Waugh,
# Econometrica 1:387 (1933); Lovell, J. Am. Stat. Assoc. 58:993 (1963)).
slope(gy, gg) = gy/gg

slope_error(gy, gg, yy, freedom) = sqrt(maximum(yy - gy^2/gg, 0)/freedom/gg)

# Rao's score test, for the score and its variance under the null model.
score_chi_square(score, variance) = score^2/variance
