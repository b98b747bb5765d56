# Tables of exposure and outcome, and of tests.
# In every table: a exposed with the outcome, b exposed without it, c and d the same unexposed.

# title: Odds ratio
# source: Woolf B. Annals of Human Genetics 19 (1955), 251-253.
#   doi:10.1111/j.1469-1809.1955.tb01348.x
# checked: a*d/(b*c).
# result odds_ratio [1] 0 to inf: odds ratio
# input a [1] 0.5 to 1e9: exposed, with the outcome
# input b [1] 0.5 to 1e9: exposed, without the outcome
# input c [1] 0.5 to 1e9: not exposed, with the outcome
# input d [1] 0.5 to 1e9: not exposed, without the outcome
# example a=28, b=129, c=4, d=133 -> 7.2170542635659 +- 1e-12: taskvio.com, example after Altman
# example a=10, b=20, c=5, d=40 -> 4 +- 1e-13: computed
odds_ratio(a, b, c, d) = a*d/(b*c)

# title: Odds ratio, lower end of its interval
# text: By the normal distribution of its logarithm.
# source: Woolf B. Annals of Human Genetics 19 (1955), 251-253.
#   doi:10.1111/j.1469-1809.1955.tb01348.x
# checked: The variance of the logarithm is the sum of the reciprocals of the counts.
# result odds_ratio [1] 0 to inf: lower end
# input a [1] 0.5 to 1e9: exposed, with the outcome
# input b [1] 0.5 to 1e9: exposed, without the outcome
# input c [1] 0.5 to 1e9: not exposed, with the outcome
# input d [1] 0.5 to 1e9: not exposed, without the outcome
# input confidence [1] 0.5 to 0.9999999: confidence of the interval, such as 0.95
# example a=28, b=129, c=4, d=133, confidence=0.95 -> 2.4624324910492 +- 1e-4: taskvio.com, example
#   after Altman (with 1.96)
# example a=10, b=20, c=5, d=40, confidence=0.9 -> 1.4608688175161204 +- 1e-13: computed
odds_ratio_low(a, b, c, d, confidence):
    error = sqrt(1/a + 1/b + 1/c + 1/d)
    odds_ratio(a, b, c, d)*exp(-normal_quantile(0.5 + confidence/2)*error)

# title: Odds ratio, upper end of its interval
# text: By the normal distribution of its logarithm.
# source: Woolf B. Annals of Human Genetics 19 (1955), 251-253.
#   doi:10.1111/j.1469-1809.1955.tb01348.x
# checked: The variance of the logarithm is the sum of the reciprocals of the counts.
# result odds_ratio [1] 0 to inf: upper end
# input a [1] 0.5 to 1e9: exposed, with the outcome
# input b [1] 0.5 to 1e9: exposed, without the outcome
# input c [1] 0.5 to 1e9: not exposed, with the outcome
# input d [1] 0.5 to 1e9: not exposed, without the outcome
# input confidence [1] 0.5 to 0.9999999: confidence of the interval, such as 0.95
# example a=28, b=129, c=4, d=133, confidence=0.95 -> 21.15220312946 +- 1e-3: taskvio.com, example
#   after Altman (with 1.96)
# example a=10, b=20, c=5, d=40, confidence=0.9 -> 10.952386558024013 +- 1e-12: computed
odds_ratio_high(a, b, c, d, confidence):
    error = sqrt(1/a + 1/b + 1/c + 1/d)
    odds_ratio(a, b, c, d)*exp(normal_quantile(0.5 + confidence/2)*error)

# title: Risk ratio
# source: Katz D et al. Biometrics 34 (1978), 469-474. doi:10.2307/2530610
# checked: The risk of the exposed over that of the others.
# result risk_ratio [1] 0 to inf: risk ratio
# input a [1] 0.5 to 1e9: exposed, with the outcome
# input b [1] 0.5 to 1e9: exposed, without the outcome
# input c [1] 0.5 to 1e9: not exposed, with the outcome
# input d [1] 0.5 to 1e9: not exposed, without the outcome
# example a=27, b=95, c=44, d=443 -> 2.4495156482861398 +- 1e-14: SciPy,
#   contingency.relative_risk
# example a=30, b=70, c=10, d=90 -> 3 +- 1e-13: computed
# example a=10, b=20, c=5, d=40 -> 3 +- 1e-13: computed
risk_ratio(a, b, c, d) = a*(c + d)/(c*(a + b))

# title: Risk ratio, lower end of its interval
# text: By the normal distribution of its logarithm.
# source: Katz D et al. Biometrics 34 (1978), 469-474. doi:10.2307/2530610
# checked: The variance of the logarithm is 1/a - 1/(a + b) + 1/c - 1/(c + d).
# result risk_ratio [1] 0 to inf: lower end
# input a [1] 0.5 to 1e9: exposed, with the outcome
# input b [1] 0.5 to 1e9: exposed, without the outcome
# input c [1] 0.5 to 1e9: not exposed, with the outcome
# input d [1] 0.5 to 1e9: not exposed, without the outcome
# input confidence [1] 0.5 to 0.9999999: confidence of the interval, such as 0.95
# example a=27, b=95, c=44, d=443, confidence=0.95 -> 1.5836990926700116 +- 1e-13: SciPy,
#   contingency.relative_risk
# example a=30, b=70, c=10, d=90, confidence=0.95 -> 1.5508297195435494 +- 2e-13: computed
# example a=10, b=20, c=5, d=40, confidence=0.9 -> 1.3302606360932168 +- 1e-13: computed
risk_ratio_low(a, b, c, d, confidence):
    error = sqrt(b/(a*(a + b)) + d/(c*(c + d)))
    risk_ratio(a, b, c, d)*exp(-normal_quantile(0.5 + confidence/2)*error)

# title: Risk ratio, upper end of its interval
# text: By the normal distribution of its logarithm.
# source: Katz D et al. Biometrics 34 (1978), 469-474. doi:10.2307/2530610
# checked: The variance of the logarithm is 1/a - 1/(a + b) + 1/c - 1/(c + d).
# result risk_ratio [1] 0 to inf: upper end
# input a [1] 0.5 to 1e9: exposed, with the outcome
# input b [1] 0.5 to 1e9: exposed, without the outcome
# input c [1] 0.5 to 1e9: not exposed, with the outcome
# input d [1] 0.5 to 1e9: not exposed, without the outcome
# input confidence [1] 0.5 to 0.9999999: confidence of the interval, such as 0.95
# example a=27, b=95, c=44, d=443, confidence=0.95 -> 3.7886786315466354 +- 1e-13: SciPy,
#   contingency.relative_risk
# example a=30, b=70, c=10, d=90, confidence=0.95 -> 5.803345065278304 +- 6e-13: computed
# example a=10, b=20, c=5, d=40, confidence=0.9 -> 6.765591460656689 +- 7e-13: computed
risk_ratio_high(a, b, c, d, confidence):
    error = sqrt(b/(a*(a + b)) + d/(c*(c + d)))
    risk_ratio(a, b, c, d)*exp(normal_quantile(0.5 + confidence/2)*error)

# title: Risk difference
# source: Cook RJ, Sackett DL. British Medical Journal 310 (1995), 452-454.
#   doi:10.1136/bmj.310.6977.452
# checked: The risk of the exposed less that of the others.
# result difference [1] -1 to 1: risk difference
# input a [1] 0.5 to 1e9: exposed, with the outcome
# input b [1] 0.5 to 1e9: exposed, without the outcome
# input c [1] 0.5 to 1e9: not exposed, with the outcome
# input d [1] 0.5 to 1e9: not exposed, without the outcome
# example a=30, b=70, c=10, d=90 -> 0.2 +- 1e-14: computed
# example a=10, b=20, c=5, d=40 -> 0.2222222222222222 +- 1e-14: computed
risk_difference(a, b, c, d) = a/(a + b) - c/(c + d)

# title: Number needed to treat
# text: Positive where the risk with treatment is lower; it has a pole where they are equal.
# source: Cook RJ, Sackett DL. British Medical Journal 310 (1995), 452-454.
#   doi:10.1136/bmj.310.6977.452
# checked: The reciprocal of the risk difference.
# result number [1] -inf to inf: people to treat for one outcome less
# input control [1] 0 to 1: risk without treatment
# input treated [1] 0 to 1: risk with treatment
# example control=0.2, treated=0.1 -> 10 +- 1e-12: computed
# example control=0.08, treated=0.05 -> 33.333333333333336 +- 1e-10: computed
number_needed_to_treat(control, treated) = 1/(control - treated)

# title: Attributable fraction in the population, Levin
# source: Levin ML. Acta Unio Internationalis Contra Cancrum 9 (1953), 531-541.
# checked: 0 where the relative risk is 1.
# result fraction [1] -inf to 1: share of the outcomes that the exposure causes
# input prevalence [1] 0 to 1: share of people that are exposed
# input relative_risk [1] 1e-6 to 1e6: relative risk of the exposed
# example prevalence=0.5, relative_risk=3 -> 0.5 +- 1e-14: computed
# example prevalence=0.2, relative_risk=1 -> 0 +- 1e-14: identity, no effect
attributable_fraction(prevalence, relative_risk):
    excess = prevalence*(relative_risk - 1)
    excess/(1 + excess)

# title: Correlation of a prediction with the truth, Matthews
# text: The phi coefficient of the table; nan where a row or a column of it is empty.
# source: Matthews BW. Biochimica et Biophysica Acta 405 (1975), 442-451.
#   doi:10.1016/0005-2795(75)90109-9
# checked: Against NumPy's corrcoef of the cases.
# result correlation [1] -1 to 1: correlation
# input n_tp [1] 0 to 1e9: true positives
# input n_fp [1] 0 to 1e9: false positives
# input n_tn [1] 0 to 1e9: true negatives
# input n_fn [1] 0 to 1e9: false negatives
# example n_tp=6, n_fp=1, n_tn=3, n_fn=2 -> 0.478 +- 5e-4: Wikipedia, Phi coefficient
# example n_tp=2, n_fp=1, n_tn=0, n_fn=1 -> -0.33 +- 5e-3: scikit-learn, matthews_corrcoef
matthews_correlation(n_tp, n_fp, n_tn, n_fn):
    predicted = (n_tp + n_fp)*(n_tn + n_fn)
    true = (n_tp + n_fn)*(n_tn + n_fp)
    (n_tp*n_tn - n_fp*n_fn)/sqrt(predicted*true)

# title: Positive predictive value
# source: Altman DG, Bland JM. British Medical Journal 309 (1994), 102. doi:10.1136/bmj.309.6947.102
# checked: Bayes' theorem.
# result value [1] 0 to 1: probability of the disease after a positive test
# input sensitivity [1] 1e-6 to 1: share of the ill that the test finds
# input specificity [1] 0 to 1: share of the well that the test passes
# input prevalence [1] 1e-9 to 1: share of people that are ill
# example sensitivity=0.9, specificity=0.95, prevalence=0.8 -> 0.986 +- 5e-4: fellowiki, answers on
#   diagnostic tests
# example sensitivity=0.9, specificity=0.9, prevalence=0.1 -> 0.5 +- 1e-14: computed
# example sensitivity=0.99, specificity=0.95, prevalence=0.01 -> 0.16666666666666666 +- 1e-14:
#   computed
positive_predictive_value(sensitivity, specificity, prevalence):
    true_positives = sensitivity*prevalence
    true_positives/(true_positives + (1 - specificity)*(1 - prevalence))

# title: Negative predictive value
# source: Altman DG, Bland JM. British Medical Journal 309 (1994), 102. doi:10.1136/bmj.309.6947.102
# checked: Bayes' theorem.
# result value [1] 0 to 1: probability of no disease after a negative test
# input sensitivity [1] 0 to 1: share of the ill that the test finds
# input specificity [1] 1e-6 to 1: share of the well that the test passes
# input prevalence [1] 0 to <1: share of people that are ill
# example sensitivity=0.9, specificity=0.95, prevalence=0.8 -> 0.704 +- 5e-4: fellowiki, answers on
#   diagnostic tests
# example sensitivity=0.9, specificity=0.95, prevalence=0.05 -> 0.994 +- 5e-4: fellowiki, answers on
#   diagnostic tests
# example sensitivity=0.9, specificity=0.9, prevalence=0.1 -> 0.9878048780487805 +- 1e-14: computed
# example sensitivity=0.5, specificity=0.5, prevalence=0.5 -> 0.5 +- 1e-14: computed
negative_predictive_value(sensitivity, specificity, prevalence):
    true_negatives = specificity*(1 - prevalence)
    true_negatives/(true_negatives + (1 - sensitivity)*prevalence)

# title: Share of successes, lower end of its interval, Wilson
# text: nan where there are more successes than trials.
# source: Wilson EB. Journal of the American Statistical Association 22 (1927), 209-212.
#   doi:10.1080/01621459.1927.10502953
# checked: Against the examples of Newcombe, Statistics in Medicine 17 (1998), 857-872; the ends are
#   the roots of (p - x/n)^2 = z^2*p*(1 - p)/n.
# result share [1] 0 to 1: lower end
# input successes [1] 0 to 1e9: successes
# input trials [1] 1 to 1e9: trials
# input confidence [1] 0.5 to 0.9999999: confidence of the interval, such as 0.95
# example successes=81, trials=263, confidence=0.95 -> 0.2553 +- 5e-5: Newcombe 1998, table I
# example successes=15, trials=148, confidence=0.95 -> 0.0624 +- 5e-5: Newcombe 1998, table I
# example successes=1, trials=29, confidence=0.95 -> 0.0061 +- 5e-5: Newcombe 1998, table I
wilson_low(successes, trials, confidence):
    z2 = normal_quantile(0.5 + confidence/2)^2
    middle = successes + z2/2
    failures = where(successes <= trials, trials - successes, nan)
    spread = sqrt(z2*(successes*failures/trials + z2/4))
    (middle - spread)/(trials + z2)

# title: Share of successes, upper end of its interval, Wilson
# text: nan where there are more successes than trials.
# source: Wilson EB. Journal of the American Statistical Association 22 (1927), 209-212.
#   doi:10.1080/01621459.1927.10502953
# checked: Against the examples of Newcombe, Statistics in Medicine 17 (1998), 857-872; the ends are
#   the roots of (p - x/n)^2 = z^2*p*(1 - p)/n.
# result share [1] 0 to 1: upper end
# input successes [1] 0 to 1e9: successes
# input trials [1] 1 to 1e9: trials
# input confidence [1] 0.5 to 0.9999999: confidence of the interval, such as 0.95
# example successes=81, trials=263, confidence=0.95 -> 0.3662 +- 5e-5: Newcombe 1998, table I
# example successes=15, trials=148, confidence=0.95 -> 0.1605 +- 5e-5: Newcombe 1998, table I
# example successes=0, trials=20, confidence=0.95 -> 0.1611 +- 5e-5: Newcombe 1998, table I
wilson_high(successes, trials, confidence):
    z2 = normal_quantile(0.5 + confidence/2)^2
    middle = successes + z2/2
    failures = where(successes <= trials, trials - successes, nan)
    spread = sqrt(z2*(successes*failures/trials + z2/4))
    (middle + spread)/(trials + z2)
