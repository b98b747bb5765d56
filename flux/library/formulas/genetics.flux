# Sequences, maps, populations, and scores.

# title: Distance of two sequences, Jukes and Cantor
# source: Jukes TH, Cantor CR. In: Mammalian Protein Metabolism III (1969), 21-132.
#   doi:10.1016/B978-1-4832-3211-9.50009-7
# checked: -3/4*log(1 - 4/3*p).
# result distance [1] 0 to 40: substitutions for each site
# input p [1] 0 to <0.75: share of sites that differ
# example p=0.275 -> 0.3426 +- 5e-5: Allman and Rhodes, Mathematical Models in Biology, page 159
# example p=0.1 -> 0.10732563273050497 +- 1e-15: computed
jukes_cantor(p) = -0.75*log1p(-4*p/3)

# title: Share of sites that differ, Jukes and Cantor
# text: The inverse of jukes_cantor.
# source: Jukes TH, Cantor CR. In: Mammalian Protein Metabolism III (1969), 21-132.
#   doi:10.1016/B978-1-4832-3211-9.50009-7
# checked: Against jukes_cantor.
# result p [1] 0 to 0.75: share of sites that differ
# input distance [1] 0 to 40: substitutions for each site
# example distance=0.3426 -> 0.275 +- 5e-5: Allman and Rhodes, Mathematical Models in Biology
# example distance=0.10732563273050497 -> 0.1 +- 1e-15: computed
jukes_cantor_inverse(distance) = -0.75*expm1(-4*distance/3)

# title: Distance of two sequences, Kimura's two parameters
# text: nan where 2*transitions + transversions is 1 or more.
# source: Kimura M. Journal of Molecular Evolution 16 (1980), 111-120. doi:10.1007/BF01731581
# checked: Equation 10; equal to jukes_cantor where transversions are twice the transitions.
# result distance [1] 0 to 40: substitutions for each site
# input transitions [1] 0 to <0.5: share of sites with a transition
# input transversions [1] 0 to <0.5: share of sites with a transversion
# example transitions=0.1, transversions=0.05 -> 0.1701811651403471 +- 2e-14: computed
# example transitions=0.04, transversions=0.02 -> 0.062886 +- 5e-7: roboculator.com, example
# example transitions=0.2, transversions=0.1 -> 0.40 +- 5e-3: biocode.ltd, example
# example transitions=0.1, transversions=0.2 -> 0.38311921782449304 +- 1e-14: identity, jukes_cantor
kimura(transitions, transversions):
    -0.5*log1p(-2*transitions - transversions) - 0.25*log1p(-2*transversions)

# title: Map distance from recombination, Haldane
# source: Haldane JBS. Journal of Genetics 8 (1919), 299-309.
# checked: -50*log(1 - 2*r), in centimorgans.
# result distance [1] 0 to 2000: map distance in centimorgans
# input recombination [1] 0 to <0.5: recombination fraction
# example recombination=0.3 -> 45.8 +- 0.05: North Dakota State University, course on mapping
# example recombination=0.392 -> 76.6 +- 0.05: North Dakota State University, course on mapping
# example recombination=0.05 -> 5.268026 +- 5e-7: R package BatchMap, documentation
# example recombination=0.35 -> 60.19864 +- 5e-6: R package BatchMap, documentation
haldane_distance(recombination) = -50*log1p(-2*recombination)

# title: Recombination from map distance, Haldane
# text: The inverse of haldane_distance.
# source: Haldane JBS. Journal of Genetics 8 (1919), 299-309.
# checked: Against haldane_distance.
# result recombination [1] 0 to 0.5: recombination fraction
# input distance [1] 0 to 2000: map distance in centimorgans
# example distance=45.8 -> 0.3 +- 5e-4: North Dakota State University, course on mapping
# example distance=50 -> 0.31606027941427883 +- 1e-15: computed
haldane_recombination(distance) = -0.5*expm1(-distance/50)

# title: Map distance from recombination, Kosambi
# source: Kosambi DD. Annals of Eugenics 12 (1944), 172-175.
#   doi:10.1111/j.1469-1809.1943.tb02321.x
# checked: 25*log((1 + 2*r)/(1 - 2*r)), in centimorgans.
# result distance [1] 0 to 1000: map distance in centimorgans
# input recombination [1] 0 to <0.5: recombination fraction
# example recombination=0.05 -> 5.016767 +- 5e-7: R package BatchMap, documentation
# example recombination=0.35 -> 43.36503 +- 5e-6: R package BatchMap, documentation
kosambi_distance(recombination) = 50*atanh(2*recombination)

# title: Recombination from map distance, Kosambi
# text: The inverse of kosambi_distance.
# source: Kosambi DD. Annals of Eugenics 12 (1944), 172-175.
#   doi:10.1111/j.1469-1809.1943.tb02321.x
# checked: Against kosambi_distance.
# result recombination [1] 0 to 0.5: recombination fraction
# input distance [1] 0 to 1000: map distance in centimorgans
# example distance=5.016767 -> 0.05 +- 5e-9: R package BatchMap, documentation
# example distance=43.36502638470266 -> 0.35 +- 1e-15: computed
kosambi_recombination(distance) = 0.5*tanh(distance/50)

# title: LOD score
# text: Meioses of known phase; scores of families add up. nan where there are more recombinants
#   than meioses.
# source: Morton NE. American Journal of Human Genetics 7 (1955), 277-318. PMC1716611
# checked: Common logarithm of the likelihood at theta over that at 1/2, as medicalalgorithms.com
#   prints it.
# result lod [1] -1.2e6 to 30103: LOD score
# input recombinants [1] 0 to 1e5: recombinant meioses
# input meioses [1] 0 to 1e5: meioses
# input theta [1] 1e-12 to 0.5: recombination fraction
# example recombinants=0, meioses=10, theta=1e-12 -> 3.01 +- 5e-3: identity, ten meioses without a
#   recombination, the threshold of 3
# example recombinants=1, meioses=10, theta=0.1 -> 1.5984825415937358 +- 2e-13: computed
lod(recombinants, meioses, theta):
    parental = where(recombinants <= meioses, meioses - recombinants, nan)
    recombinants*log10(2*theta) + parental*log10(2 - 2*theta)

# title: Hardy-Weinberg equilibrium, chi-square statistic
# text: One degree of freedom, without a correction for continuity. It is the number of people times
#   the square of the inbreeding coefficient; nan where only one allele is seen.
# source: Hardy GH. Science 28 (1908), 49-50. doi:10.1126/science.28.706.49
# checked: Against the sum over the three genotypes.
# result chi2 [1] 0 to 3e9: statistic
# input n_aa [1] 0 to 1e9: homozygotes of one allele
# input n_ab [1] 0 to 1e9: heterozygotes
# input n_bb [1] 0 to 1e9: homozygotes of the other allele
# example n_aa=298, n_ab=489, n_bb=213 -> 0.2215 +- 5e-5: R package HardyWeinberg, MN blood groups
# example n_aa=1469, n_ab=138, n_bb=5 -> 0.83 +- 5e-3: Ford's scarlet tiger moths, Wikipedia
hardy_weinberg_chi2(n_aa, n_ab, n_bb):
    (n_aa + n_ab + n_bb)*inbreeding_coefficient(n_aa, n_ab, n_bb)^2

# title: Hardy-Weinberg equilibrium, p-value of the chi-square statistic
# source: Hardy GH. Science 28 (1908), 49-50. doi:10.1126/science.28.706.49
# checked: Against SciPy's chi2.sf.
# result p [1] 0 to 1: p-value
# input n_aa [1] 0 to 1e9: homozygotes of one allele
# input n_ab [1] 0 to 1e9: heterozygotes
# input n_bb [1] 0 to 1e9: homozygotes of the other allele
# kink: n_ab^2 = 4*n_aa*n_bb
# example n_aa=298, n_ab=489, n_bb=213 -> 0.6379 +- 5e-5: R package HardyWeinberg, MN blood groups
# example n_aa=1469, n_ab=138, n_bb=5 -> 0.36199849347509294 +- 4e-14: computed
hardy_weinberg_p_value(n_aa, n_ab, n_bb):
    f = inbreeding_coefficient(n_aa, n_ab, n_bb)
    z_p_value(sqrt(n_aa + n_ab + n_bb)*f)

# title: Hardy-Weinberg equilibrium, exact p-value
# text: The probability of all numbers of heterozygotes that are no likelier than that observed,
#   given the alleles. The axis h counts heterozygotes; its size is over the largest possible
#   number.
# source: Wigginton JE, Cutler DJ, Abecasis GR. American Journal of Human Genetics 76 (2005),
#   887-893. doi:10.1086/429864
# checked: Against the sum in exact fractions.
# result p [1] 0 to 1: p-value
# input n_aa [1] 0 to 1e7: homozygotes of one allele
# input n_ab [1] 0 to 1e7: heterozygotes
# input n_bb [1] 0 to 1e7: homozygotes of the other allele
# example n_aa=298, n_ab=489, n_bb=213 -> 0.6556634885620949 +- 7e-14: computed
# example n_aa=68, n_ab=28, n_bb=4 -> 0.5153670257245229 +- 1e-12: R package hwde, example
# example n_aa=2, n_ab=3, n_bb=1 -> 1 +- 1e-12: PLINK 1.9, --hardy
# example n_aa=1469, n_ab=138, n_bb=5 -> 0.38251866746268326 +- 4e-14: computed
hardy_weinberg_exact(n_aa, n_ab, n_bb):
    a = 2*n_aa + n_ab
    b = 2*n_bb + n_ab
    possible = (h <= min(a, b)) and (h % 2 == a % 2)
    count = where(possible, h, n_ab)
    ratio = exp(log_arrangements(a, count, b) - log_arrangements(a, n_ab, b))
    weight = where(possible, ratio, 0)
    sum[h](where(weight <= 1 + 1e-7, weight, 0))/sum[h](weight)

# The logarithm of the number of ways in which a and b alleles make h heterozygotes, but for what
# does not depend on h.
log_arrangements(a, h, b):
    h*log(2) - lgamma((a - h)/2 + 1) - lgamma(h + 1) - lgamma((b - h)/2 + 1)

# title: Inbreeding coefficient from genotypes
# text: 1 less the heterozygotes observed over those expected; nan where only one allele is seen.
# source: Wright S. American Naturalist 56 (1922), 330-338. doi:10.1086/279872
# checked: Against 1 - observed/expected.
# result f [1] -1 to 1: inbreeding coefficient
# input n_aa [1] 0 to 1e9: homozygotes of one allele
# input n_ab [1] 0 to 1e9: heterozygotes
# input n_bb [1] 0 to 1e9: homozygotes of the other allele
# example n_aa=298, n_ab=489, n_bb=213 -> 0.0149 +- 5e-5: R package HardyWeinberg, MN blood groups
# example n_aa=1469, n_ab=138, n_bb=5 -> 0.0227 +- 5e-5: Ford's scarlet tiger moths, Wikipedia
inbreeding_coefficient(n_aa, n_ab, n_bb):
    (4*n_aa*n_bb - n_ab^2)/((2*n_aa + n_ab)*(2*n_bb + n_ab))

# title: Linkage disequilibrium, D
# text: From counts of haplotypes at two loci with two alleles each.
# source: Lewontin RC, Kojima K. Evolution 14 (1960), 458-472.
#   doi:10.1111/j.1558-5646.1960.tb03113.x
# checked: Against p(AB) - p(A)*p(B).
# result d [1] -0.25 to 0.25: linkage disequilibrium
# input n_ab [1] 0 to 1e9: haplotypes with the first allele at both loci
# input n_a [1] 0 to 1e9: haplotypes with the first allele at the first locus only
# input n_b [1] 0 to 1e9: haplotypes with the first allele at the second locus only
# input n_o [1] 0 to 1e9: haplotypes with the first allele at neither
# example n_ab=474, n_a=611, n_b=142, n_o=773 -> 0.06991 +- 5e-6: Hartl and Clark, Principles of
#   Population Genetics, MNS blood groups (by the tests of SnpSift)
# example n_ab=420, n_a=80, n_b=70, n_o=430 -> 0.175 +- 5e-5: punnettsquares.com, calculator
# example n_ab=50, n_a=0, n_b=0, n_o=50 -> 0.25 +- 1e-13: identity, two alleles that always go
#   together
linkage_d(n_ab, n_a, n_b, n_o) = (n_ab*n_o - n_a*n_b)/(n_ab + n_a + n_b + n_o)^2

# title: Linkage disequilibrium, D'
# text: D over the largest that the frequencies allow, with its sign; nan where a locus has one
#   allele.
# source: Lewontin RC. Genetics 49 (1964), 49-67. doi:10.1093/genetics/49.1.49
# checked: 1 and -1 where one haplotype is absent.
# result d_prime [1] -1 to 1: D'
# input n_ab [1] 0 to 1e9: haplotypes with the first allele at both loci
# input n_a [1] 0 to 1e9: haplotypes with the first allele at the first locus only
# input n_b [1] 0 to 1e9: haplotypes with the first allele at the second locus only
# input n_o [1] 0 to 1e9: haplotypes with the first allele at neither
# kink: n_ab*n_o = n_a*n_b
# kink: n_a = n_b
# kink: n_ab = n_o
# example n_ab=474, n_a=611, n_b=142, n_o=773 -> 0.4961322830175289 +- 5e-14: computed
# example n_ab=420, n_a=80, n_b=70, n_o=430 -> 0.7143 +- 5e-5: punnettsquares.com, calculator
# example n_ab=30, n_a=20, n_b=0, n_o=50 -> 1 +- 1e-13: identity, one haplotype is absent
linkage_d_prime(n_ab, n_a, n_b, n_o):
    one = n_ab + n_a
    two = n_ab + n_b
    not_one = n_b + n_o
    not_two = n_a + n_o
    d = n_ab*n_o - n_a*n_b
    d/where(d > 0, min(one*not_two, not_one*two), min(one*two, not_one*not_two))

# title: Linkage disequilibrium, squared correlation
# text: nan where a locus has one allele.
# source: Hill WG, Robertson A. Theoretical and Applied Genetics 38 (1968), 226-231.
#   doi:10.1007/BF01245622
# checked: Against NumPy's corrcoef of the haplotypes.
# result r2 [1] 0 to 1: squared correlation
# input n_ab [1] 0 to 1e9: haplotypes with the first allele at both loci
# input n_a [1] 0 to 1e9: haplotypes with the first allele at the first locus only
# input n_b [1] 0 to 1e9: haplotypes with the first allele at the second locus only
# input n_o [1] 0 to 1e9: haplotypes with the first allele at neither
# example n_ab=474, n_a=611, n_b=142, n_o=773 -> 0.09239127328988425 +- 9e-15: computed
# example n_ab=420, n_a=80, n_b=70, n_o=430 -> 0.4902 +- 5e-5: punnettsquares.com, calculator
# example n_ab=50, n_a=0, n_b=0, n_o=50 -> 1 +- 1e-13: identity, two alleles that always go together
linkage_r2(n_ab, n_a, n_b, n_o):
    d = n_ab*n_o - n_a*n_b
    d^2/((n_ab + n_a)*(n_b + n_o)*(n_ab + n_b)*(n_a + n_o))

# title: Differentiation of two populations at a site, Hudson's FST
# text: For many sites, the ratio of the sums of the two terms, not the mean of ratios; nan where
#   both populations have the same allele only.
# source: Bhatia G et al. Genome Research 23 (2013), 1514-1521. doi:10.1101/gr.154831.113
# checked: Equation 10, against scikit-allel.
# result fst [1] -1 to 1: differentiation
# input frequency_1 [1] 0 to 1: frequency of the allele in one population
# input n_1 [1] 2 to 1e9: copies counted in it, two for each person
# input frequency_2 [1] 0 to 1: frequency of the same allele in the other
# input n_2 [1] 2 to 1e9: copies counted in it
# example frequency_1=1, n_1=4, frequency_2=0, n_2=4 -> 1 +- 1e-13: scikit-allel, documentation
# example frequency_1=0.5, n_1=4, frequency_2=0.5, n_2=4 -> -0.33333333 +- 5e-9: scikit-allel,
#   documentation
# example frequency_1=0.5, n_1=4, frequency_2=0.5, n_2=2 -> -0.66666667 +- 5e-9: scikit-allel,
#   documentation
fst_hudson(frequency_1, n_1, frequency_2, n_2):
    within_1 = frequency_1*(1 - frequency_1)
    within_2 = frequency_2*(1 - frequency_2)
    apart = (frequency_1 - frequency_2)^2 - within_1/(n_1 - 1) - within_2/(n_2 - 1)
    apart/(frequency_1*(1 - frequency_2) + frequency_2*(1 - frequency_1))

# title: Neutrality of a sample of sequences, Tajima's D
# source: Tajima F. Genetics 123 (1989), 585-595. doi:10.1093/genetics/123.3.585
# checked: Against DendroPy, with its a1, a2 and b1; the sums over 1/i and 1/i^2 by polygamma
#   functions.
# result d [1] -1e12 to 1e12: Tajima's D
# input n_sequences [1] 4 to 1e6: sequences
# input n_sites [1] 1 to 1e9: segregating sites
# input pairwise [1] 0 to 1e9: mean number of differences of two sequences, over all their sites
# example n_sequences=10, n_sites=16, pairwise=3.888889 -> -1.44617198561 +- 5e-12: DendroPy,
#   popgenstat
# example n_sequences=4, n_sites=11, pairwise=6 -> 0 +- 1e-12: identity, as many differences as
#   sites/a1
tajima_d(n_sequences, n_sites, pairwise):
    a1 = digamma(n_sequences) + 0.57721566490153286
    a2 = pi^2/6 - trigamma(n_sequences)
    c1 = (n_sequences + 1)/(3*(n_sequences - 1)) - 1/a1
    b2 = 2*(n_sequences^2 + n_sequences + 3)/(9*n_sequences*(n_sequences - 1))
    c2 = b2 - (n_sequences + 2)/(a1*n_sequences) + a2/a1^2
    variance = c1/a1*n_sites + c2/(a1^2 + a2)*n_sites*(n_sites - 1)
    (pairwise - n_sites/a1)/sqrt(variance)

# title: Odds ratio of a dosage, log-additive
# source: Clayton D, Hills M. Statistical Models in Epidemiology. Oxford University Press, 1993.
# checked: exp(beta*dosage); the square for two alleles.
# result odds_ratio [1] 0 to inf: odds ratio against a dosage of 0
# input beta [1] -20 to 20: logarithm of the odds ratio of one allele
# input dosage [1] 0 to 2: alleles, or their expected number
# example beta=0.6931471805599453, dosage=2 -> 4 +- 1e-13: computed
# example beta=0.1, dosage=1 -> 1.1051709180756477 +- 1e-14: computed
log_additive_odds_ratio(beta, dosage) = exp(beta*dosage)

# title: Risk at a dosage, log-additive
# source: Clayton D, Hills M. Statistical Models in Epidemiology. Oxford University Press, 1993.
# checked: The odds are those at dosage 0 times exp(beta*dosage).
# result risk [1] 0 to 1: probability
# input baseline [1] 1e-300 to <1: probability at dosage 0
# input beta [1] -20 to 20: logarithm of the odds ratio of one allele, or of one unit of a score
# input dosage [1] -100 to 100: alleles, their expected number, or a score
# example baseline=0.5, beta=0.6931471805599453, dosage=1 -> 0.6666666666666666 +- 1e-13: computed
# example baseline=0.1, beta=0, dosage=2 -> 0.1 +- 1e-14: identity, no effect
log_additive_risk(baseline, beta, dosage) = sigmoid(logit(baseline) + beta*dosage)

# title: Percentile of a score in a normal population
# source: Abramowitz M, Stegun IA. Handbook of Mathematical Functions (1964), 26.2.
# checked: Against SciPy's norm.cdf.
# result percentile [percent] 0 to 100: share of people with a lower score
# input score [1] -1e9 to 1e9: score
# input mean [1] -1e9 to 1e9: mean of the population
# input deviation [1] 1e-9 to 1e9: standard deviation of the population
# example score=1.959963984540054, mean=0, deviation=1 -> 97.5 +- 1e-11: tables of the normal
#   distribution
# example score=3, mean=5, deviation=2 -> 15.865525393145708 +- 1e-12: SciPy, norm.cdf(-1)
score_percentile(score, mean, deviation) = 100*normal_cdf((score - mean)/deviation)

# title: Score at a percentile of a normal population
# text: The inverse of score_percentile.
# source: Wichura MJ. Applied Statistics 37 (1988), 477-484. doi:10.2307/2347330
# checked: Against SciPy's norm.ppf.
# result score [1] -1e12 to 1e12: score
# input percentile [percent] 1e-290 to <100: share of people with a lower score
# input mean [1] -1e9 to 1e9: mean of the population
# input deviation [1] 1e-9 to 1e9: standard deviation of the population
# example percentile=97.5, mean=0, deviation=1 -> 1.959963984540054 +- 1e-13: SciPy, norm.ppf
# example percentile=50, mean=7, deviation=2 -> 7 +- 1e-13: identity, the median
score_at_percentile(percentile, mean, deviation):
    mean + deviation*normal_quantile(percentile/100)

# title: Variance of a trait that an allele explains
# source: Falconer DS, Mackay TFC. Introduction to Quantitative Genetics, 4th edition (1996).
# checked: 2*f*(1 - f) is the variance of the dosage in Hardy-Weinberg equilibrium.
# result variance [1] 0 to 1e12: variance, in the squared unit of beta
# input beta [1] -1e6 to 1e6: effect of one allele
# input frequency [1] 0 to 1: frequency of the allele
# example beta=0.1, frequency=0.5 -> 0.005 +- 1e-16: computed
# example beta=2, frequency=0.25 -> 1.5 +- 1e-14: computed
allele_variance(beta, frequency) = 2*frequency*(1 - frequency)*beta^2
