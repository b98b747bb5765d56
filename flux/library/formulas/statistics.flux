# Quantiles and p-values of the normal distribution and of its square.

# title: Quantile of the standard normal distribution
# text: Its inverse is normal_cdf of the standard library.
# source: Wichura MJ. Applied Statistics 37 (1988), 477-484, algorithm AS 241 (PPND16).
#   doi:10.2307/2347330
# checked: Against SciPy's ndtri over the whole range.
# result z [1] -38.5 to 8.3: quantile
# input p [1] 1e-300 to <1: probability, between 0 and 1
# example p=0.975 -> 1.959963984540054 +- 1e-14: SciPy, norm.ppf
# example p=0.25 -> -0.6744897501960817 +- 1e-14: Wichura 1988, check value
# example p=0.001 -> -3.090232306167814 +- 1e-14: Wichura 1988, check value
# example p=1e-20 -> -9.262340089798408 +- 1e-13: Wichura 1988, check value
normal_quantile(p):
    q = p - 0.5
    tail = where(q < 0, p, 1 - p)
    far = sqrt(-log(tail))
    outside = where(far <= 5, quantile_between(far - 1.6), quantile_far(far - 5))
    where(abs(q) <= 0.425, quantile_near(q), sign(q)*outside)

derivative normal_quantile(p) = 1/normal_pdf(normal_quantile(p))

# The three rational functions of AS 241: within 0.425 of 1/2, to a tail of exp(-25), and beyond.
quantile_near(q):
    r = 0.180625 - q^2
    a0 = ((2509.0809287301226727*r + 33430.575583588128105)*r + 67265.770927008700853)*r
    a1 = ((a0 + 45921.953931549871457)*r + 13731.693765509461125)*r + 1971.5909503065514427
    a2 = (a1*r + 133.14166789178437745)*r + 3.3871328727963666080
    b0 = ((5226.4952788528545610*r + 28729.085735721942674)*r + 39307.895800092710610)*r
    b1 = ((b0 + 21213.794301586595867)*r + 5394.1960214247511077)*r + 687.18700749205790830
    b2 = (b1*r + 42.313330701600911252)*r + 1
    q*a2/b2

quantile_between(r):
    a0 = ((7.74545014278341407640e-4*r + 0.0227238449892691845833)*r + 0.241780725177450611770)*r
    a1 = ((a0 + 1.27045825245236838258)*r + 3.64784832476320460504)*r + 5.76949722146069140550
    a2 = (a1*r + 4.63033784615654529590)*r + 1.42343711074968357734
    b0 = ((1.05075007164441684324e-9*r + 5.47593808499534494600e-4)*r + 0.0151986665636164571966)*r
    b1 = ((b0 + 0.148103976427480074590)*r + 0.689767334985100004550)*r + 1.67638483018380384940
    b2 = (b1*r + 2.05319162663775882187)*r + 1
    a2/b2

quantile_far(r):
    a0 = ((2.01033439929228813265e-7*r + 2.71155556874348757815e-5)*r + 0.00124266094738807843860)*r
    a1 = ((a0 + 0.0265321895265761230930)*r + 0.296560571828504891230)*r + 1.78482653991729133580
    a2 = (a1*r + 5.46378491116411436990)*r + 6.65790464350110377720
    b0 = ((2.04426310338993978564e-15*r + 1.42151175831644588870e-7)*r + 1.8463183175100546818e-5)*r
    b1 = ((b0 + 7.86869131145613259100e-4)*r + 0.0148753612908506148525)*r + 0.136929880922735805310
    b2 = (b1*r + 0.599832206555887937690)*r + 1
    a2/b2

# title: Two-sided p-value of a z-score
# source: Abramowitz M, Stegun IA. Handbook of Mathematical Functions (1964), 26.2.
# checked: erfc(|z|/sqrt(2)).
# result p [1] 0 to 1: p-value
# input z [1] -38 to 38: z-score, standard normal under the hypothesis
# kink: z = 0
# example z=1.959963984540054 -> 0.05 +- 1e-14: the 0.975 quantile of every table
# example z=-5.45131044 -> 5e-8 +- 1e-14: genome-wide significance, the quantile of SciPy's norm
z_p_value(z) = erfc(abs(z)/sqrt(2))

# title: p-value of a chi-square statistic with one degree of freedom
# source: Abramowitz M, Stegun IA. Handbook of Mathematical Functions (1964), 26.4.
# checked: erfc(sqrt(x/2)).
# result p [1] 0 to 1: p-value
# input chi2 [1] 1e-300 to 1400: statistic
# example chi2=3.841458820694124 -> 0.05 +- 1e-14: the 0.95 quantile of every table
# example chi2=6.634896601021213 -> 0.01 +- 1e-14: the 0.99 quantile of every table
chi2_p_value(chi2) = erfc(sqrt(chi2/2))

# title: z-score and its p-value from an estimate and its standard error (Wald)
# source: Wald A. Transactions of the American Mathematical Society 54 (1943), 426-482.
#   doi:10.1090/S0002-9947-1943-0012401-3
# checked: The two-sided p-value of estimate/error.
# result p [1] 0 to 1: p-value
# input estimate [1] -1e6 to 1e6: estimate, such as a log odds ratio
# input error [1] 1e-9 to 1e6: its standard error
# kink: estimate = 0
# example estimate=0.4, error=0.2 -> 0.04550026389635842 +- 1e-15: SciPy, 2*norm.sf(2)
# example estimate=-0.1, error=0.05 -> 0.04550026389635842 +- 1e-15: SciPy, 2*norm.sf(2)
wald_p_value(estimate, error) = z_p_value(estimate/error)
