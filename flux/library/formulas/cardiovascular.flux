# Risk of cardiovascular disease, blood pressure, heart rate.

# title: Cardiovascular disease within 10 years, Framingham 2008, with lipids
# text: People of 30 to 74 without cardiovascular disease. Coronary, cerebrovascular and peripheral
#   arterial disease, and heart failure.
# source: D'Agostino RB et al. Circulation 117 (2008), 743-753.
#   doi:10.1161/CIRCULATIONAHA.107.699579
# checked: Every coefficient as the study's own page prints it (framinghamheartstudy.org), and as
#   admiral and CVrisk have them; a public copy has 2.72107 for 2.76157.
# result risk [1] 0 to 1: probability within 10 years
# input age [year] 30* to 74*: age
# input total_cholesterol [mg/dL; 386.65 g/mol] 50 to 500: total cholesterol
# input hdl [mg/dL; 386.65 g/mol] 5 to 150: HDL cholesterol
# input sbp [mmHg] 70 to 260: systolic blood pressure
# input treated [0 or 1] 0 to 1: 1 under treatment of hypertension
# input smoker [0 or 1] 0 to 1: 1 for smokers
# input diabetes [0 or 1] 0 to 1: 1 with diabetes
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# example age=61, total_cholesterol=180, hdl=47, sbp=124, treated=0, smoker=1, diabetes=0, female=1
#   -> 0.1048 +- 5e-5: D'Agostino 2008, case 1
# example age=53, total_cholesterol=161, hdl=55, sbp=125, treated=1, smoker=0, diabetes=1, female=0
#   -> 0.1562 +- 5e-5: D'Agostino 2008, case 2
# example age=55, total_cholesterol=213, hdl=50, sbp=140, treated=0, smoker=0, diabetes=0, female=0
#   -> 0.1353 +- 5e-5: R package CVrisk, documentation
framingham_2008(age, total_cholesterol, hdl, sbp, treated, smoker, diabetes, female):
    of_age = where(female, 2.32888, 3.06117)*log(age)
    of_total = where(female, 1.20904, 1.12370)*log(total_cholesterol)
    of_hdl = where(female, -0.70833, -0.93263)*log(hdl)
    untreated_sbp = where(female, 2.76157, 1.93303)
    treated_sbp = where(female, 2.82263, 1.99881)
    of_sbp = where(treated, treated_sbp, untreated_sbp)*log(sbp)
    of_habits = where(female, 0.52873, 0.65451)*smoker + where(female, 0.69154, 0.57367)*diabetes
    score = of_age + of_total + of_hdl + of_sbp + of_habits - where(female, 26.1931, 23.9802)
    1 - where(female, 0.95012, 0.88936)^exp(score)

# title: Cardiovascular disease within 10 years, Framingham 2008, with body mass index
# text: As framingham_2008, without laboratory values.
# source: D'Agostino RB et al. Circulation 117 (2008), 743-753.
#   doi:10.1161/CIRCULATIONAHA.107.699579
# checked: Table of the office-based model, by way of CVrisk and four other public copies; two of
#   those have treated and untreated blood pressure swapped.
# result risk [1] 0 to 1: probability within 10 years
# input age [year] 30* to 74*: age
# input bmi [kg/m^2] 10 to 80: body mass index
# input sbp [mmHg] 70 to 260: systolic blood pressure
# input treated [0 or 1] 0 to 1: 1 under treatment of hypertension
# input smoker [0 or 1] 0 to 1: 1 for smokers
# input diabetes [0 or 1] 0 to 1: 1 with diabetes
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# example age=55, bmi=30, sbp=140, treated=0, smoker=0, diabetes=0, female=0
#   -> 0.1675 +- 5e-5: R package CVrisk, tests
# example age=55, bmi=30, sbp=140, treated=0, smoker=0, diabetes=0, female=1 -> 0.08610735282385074
#   +- 9e-15: computed
framingham_2008_bmi(age, bmi, sbp, treated, smoker, diabetes, female):
    of_age = where(female, 2.72107, 3.11296)*log(age)
    of_bmi = where(female, 0.51125, 0.79277)*log(bmi)
    untreated_sbp = where(female, 2.81291, 1.85508)
    treated_sbp = where(female, 2.88267, 1.92672)
    of_sbp = where(treated, treated_sbp, untreated_sbp)*log(sbp)
    of_habits = where(female, 0.61868, 0.70953)*smoker + where(female, 0.77763, 0.53160)*diabetes
    score = of_age + of_bmi + of_sbp + of_habits - where(female, 26.0145, 23.9388)
    1 - where(female, 0.94833, 0.88431)^exp(score)

# title: Atherosclerotic cardiovascular disease within 10 years, pooled cohort equations of 2013
# text: People of 40 to 79 without the disease; four sets of coefficients, for Black and White
#   women and men. The guideline uses those of White people for
#   others; the ranges of laboratory values and blood pressure are those of its calculator.
# source: Goff DC et al. Circulation 129, supplement 2 (2014), S49-S73.
#   doi:10.1161/01.cir.0000437741.48606.98
# checked: Against the examples of the guideline's appendix 7 and CVrisk's; a public copy drops the
#   sign of -3.114 and has 86.16 for 86.61.
# result risk [1] 0 to 1: probability within 10 years
# input age [year] 40* to 79*: age
# input total_cholesterol [mg/dL; 386.65 g/mol] 130* to 320*: total cholesterol
# input hdl [mg/dL; 386.65 g/mol] 20* to 100*: HDL cholesterol
# input sbp [mmHg] 90* to 200*: systolic blood pressure
# input treated [0 or 1] 0 to 1: 1 under treatment of hypertension
# input smoker [0 or 1] 0 to 1: 1 for smokers
# input diabetes [0 or 1] 0 to 1: 1 with diabetes
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# input black [0 or 1] 0 to 1: 1 for Black people, as the cohorts recorded race
# example age=55, total_cholesterol=213, hdl=50, sbp=120, treated=0, smoker=0, diabetes=0, female=1,
#   black=1 -> 0.030 +- 5e-4: Goff 2014, appendix 7
# example age=55, total_cholesterol=213, hdl=50, sbp=120, treated=0, smoker=0, diabetes=0, female=1,
#   black=0 -> 0.021 +- 5e-4: Goff 2014, appendix 7
# example age=55, total_cholesterol=213, hdl=50, sbp=120, treated=0, smoker=0, diabetes=0, female=0,
#   black=1 -> 0.061 +- 5e-4: Goff 2014, appendix 7
# example age=55, total_cholesterol=213, hdl=50, sbp=120, treated=0, smoker=0, diabetes=0, female=0,
#   black=0 -> 0.053 +- 1e-3: Goff 2014, appendix 7 (from a sum that is rounded)
# example age=55, total_cholesterol=213, hdl=50, sbp=140, treated=0, smoker=0, diabetes=0, female=0,
#   black=0 -> 0.0701 +- 6e-5: R package CVrisk, tests
# example age=55, total_cholesterol=213, hdl=50, sbp=140, treated=0, smoker=0, diabetes=0, female=1,
#   black=1 -> 0.0508 +- 6e-5: R package CVrisk, tests
# example age=55, total_cholesterol=213, hdl=50, sbp=140, treated=0, smoker=0, diabetes=0, female=1,
#   black=0 -> 0.0276 +- 6e-5: R package CVrisk, tests
# example age=55, total_cholesterol=213, hdl=50, sbp=140, treated=0, smoker=0, diabetes=0, female=0,
#   black=1 -> 0.0795 +- 6e-5: R package CVrisk, tests
ascvd_2013(age, total_cholesterol, hdl, sbp, treated, smoker, diabetes, female, black):
    a = log(age)
    t = log(total_cholesterol)
    h = log(hdl)
    s = log(sbp)
    black_woman_sbp = where(treated, 29.291 - 6.432*a, 27.820 - 6.087*a)
    black_woman_tail = 0.940*t + (4.475*a - 18.920)*h + black_woman_sbp*s
    black_woman = 17.114*a + black_woman_tail + 0.691*smoker + 0.874*diabetes - 86.61
    white_woman_lipids = (13.540 - 3.114*a)*t + (3.149*a - 13.578)*h
    white_woman_habits = (7.574 - 1.665*a)*smoker + 0.661*diabetes
    white_woman_tail = white_woman_lipids + where(treated, 2.019, 1.957)*s + white_woman_habits
    white_woman = (4.884*a - 29.799)*a + white_woman_tail + 29.18
    black_man_lipids = 0.302*t - 0.307*h
    black_man_habits = 0.549*smoker + 0.645*diabetes
    black_man_tail = black_man_lipids + where(treated, 1.916, 1.809)*s + black_man_habits
    black_man = 2.469*a + black_man_tail - 19.54
    white_man_lipids = (11.853 - 2.664*a)*t + (1.769*a - 7.990)*h
    white_man_habits = (7.837 - 1.795*a)*smoker + 0.658*diabetes
    white_man_tail = white_man_lipids + where(treated, 1.797, 1.764)*s + white_man_habits
    white_man = 12.344*a + white_man_tail - 61.18
    woman = 1 - where(black, 0.9533, 0.9665)^exp(where(black, black_woman, white_woman))
    man = 1 - where(black, 0.8954, 0.9144)^exp(where(black, black_man, white_man))
    where(female, woman, man)

# title: Cardiovascular disease within 10 years, SCORE2, countries of low risk
# text: People of 40 to 69 without cardiovascular disease or diabetes, in Europe; the paper lists
#   the countries of each region.
# source: SCORE2 working group. European Heart Journal 42 (2021), 2439-2454.
#   doi:10.1093/eurheartj/ehab309
# checked: Against the examples of the abstract and of the supplement (table 4, as the tests of
#   the R package RiskScorescvd print them); coefficients and scales alike in ten public
#   copies.
# result risk [1] 0 to 1: probability within 10 years
# input age [year] 40* to 69*: age
# input sbp [mmHg] 70 to 260: systolic blood pressure
# input total_cholesterol [mmol/L; 386.65 g/mol] 1 to 15: total cholesterol
# input hdl [mmol/L; 386.65 g/mol] 0.1 to 5: HDL cholesterol
# input smoker [0 or 1] 0 to 1: 1 for smokers
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# example age=50, sbp=140, total_cholesterol=5.5, hdl=1.3, smoker=1, female=0
#   -> 0.059 +- 5e-4: SCORE2 2021, abstract
# example age=50, sbp=140, total_cholesterol=5.5, hdl=1.3, smoker=1, female=1
#   -> 0.042 +- 5e-4: SCORE2 2021, abstract
score2_low(age, sbp, total_cholesterol, hdl, smoker, female):
    log_hazard = score2_log_hazard(age, sbp, total_cholesterol, hdl, smoker, female)
    -expm1(-exp(where(female, -0.7380, -0.5699) + where(female, 0.7019, 0.7476)*log_hazard))

# title: Cardiovascular disease within 10 years, SCORE2, countries of moderate risk
# text: People of 40 to 69 without cardiovascular disease or diabetes, in Europe; the paper lists
#   the countries of each region.
# source: SCORE2 working group. European Heart Journal 42 (2021), 2439-2454.
#   doi:10.1093/eurheartj/ehab309
# checked: Against the examples of the abstract and of the supplement (table 4, as the tests of
#   the R package RiskScorescvd print them); coefficients and scales alike in ten public
#   copies.
# result risk [1] 0 to 1: probability within 10 years
# input age [year] 40* to 69*: age
# input sbp [mmHg] 70 to 260: systolic blood pressure
# input total_cholesterol [mmol/L; 386.65 g/mol] 1 to 15: total cholesterol
# input hdl [mmol/L; 386.65 g/mol] 0.1 to 5: HDL cholesterol
# input smoker [0 or 1] 0 to 1: 1 for smokers
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# example age=50, sbp=140, total_cholesterol=6.3, hdl=1.4, smoker=1, female=0
#   -> 0.08 +- 5e-3: SCORE2 2021, supplement, table 4
# example age=50, sbp=140, total_cholesterol=6.3, hdl=1.4, smoker=1, female=1
#   -> 0.05 +- 5e-3: SCORE2 2021, supplement, table 4
score2_moderate(age, sbp, total_cholesterol, hdl, smoker, female):
    log_hazard = score2_log_hazard(age, sbp, total_cholesterol, hdl, smoker, female)
    -expm1(-exp(where(female, -0.3143, -0.1565) + where(female, 0.7701, 0.8009)*log_hazard))

# title: Cardiovascular disease within 10 years, SCORE2, countries of high risk
# text: People of 40 to 69 without cardiovascular disease or diabetes, in Europe; the paper lists
#   the countries of each region.
# source: SCORE2 working group. European Heart Journal 42 (2021), 2439-2454.
#   doi:10.1093/eurheartj/ehab309
# checked: Against the examples of the abstract and of the supplement (table 4, as the tests of
#   the R package RiskScorescvd print them); coefficients and scales alike in ten public
#   copies.
# result risk [1] 0 to 1: probability within 10 years
# input age [year] 40* to 69*: age
# input sbp [mmHg] 70 to 260: systolic blood pressure
# input total_cholesterol [mmol/L; 386.65 g/mol] 1 to 15: total cholesterol
# input hdl [mmol/L; 386.65 g/mol] 0.1 to 5: HDL cholesterol
# input smoker [0 or 1] 0 to 1: 1 for smokers
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# example age=50, sbp=140, total_cholesterol=6.3, hdl=1.4, smoker=1, female=0
#   -> 0.09 +- 5e-3: SCORE2 2021, supplement, table 4
# example age=50, sbp=140, total_cholesterol=6.3, hdl=1.4, smoker=1, female=1
#   -> 0.07 +- 5e-3: SCORE2 2021, supplement, table 4
score2_high(age, sbp, total_cholesterol, hdl, smoker, female):
    log_hazard = score2_log_hazard(age, sbp, total_cholesterol, hdl, smoker, female)
    -expm1(-exp(where(female, 0.5710, 0.3207) + where(female, 0.9369, 0.9360)*log_hazard))

# title: Cardiovascular disease within 10 years, SCORE2, countries of very high risk
# text: People of 40 to 69 without cardiovascular disease or diabetes, in Europe; the paper lists
#   the countries of each region.
# source: SCORE2 working group. European Heart Journal 42 (2021), 2439-2454.
#   doi:10.1093/eurheartj/ehab309
# checked: Against the examples of the abstract and of the supplement (table 4, as the tests of
#   the R package RiskScorescvd print them); coefficients and scales alike in ten public
#   copies.
# result risk [1] 0 to 1: probability within 10 years
# input age [year] 40* to 69*: age
# input sbp [mmHg] 70 to 260: systolic blood pressure
# input total_cholesterol [mmol/L; 386.65 g/mol] 1 to 15: total cholesterol
# input hdl [mmol/L; 386.65 g/mol] 0.1 to 5: HDL cholesterol
# input smoker [0 or 1] 0 to 1: 1 for smokers
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# example age=50, sbp=140, total_cholesterol=5.5, hdl=1.3, smoker=1, female=0
#   -> 0.140 +- 5e-4: SCORE2 2021, abstract
# example age=50, sbp=140, total_cholesterol=5.5, hdl=1.3, smoker=1, female=1
#   -> 0.137 +- 5e-4: SCORE2 2021, abstract
score2_very_high(age, sbp, total_cholesterol, hdl, smoker, female):
    log_hazard = score2_log_hazard(age, sbp, total_cholesterol, hdl, smoker, female)
    -expm1(-exp(where(female, 0.9412, 0.5836) + where(female, 0.8329, 0.8294)*log_hazard))

# The logarithm of the cumulative hazard before it is calibrated to a region.
score2_log_hazard(age, sbp, total_cholesterol, hdl, smoker, female):
    a = (age - 60)/5
    s = (sbp - 120)/20
    t = total_cholesterol - 6
    h = (hdl - 1.3)/0.5
    by_age_woman = 0.4648 - 0.1088*smoker - 0.0277*s - 0.0226*t + 0.0613*h
    woman = by_age_woman*a + 0.7744*smoker + 0.3131*s + 0.1002*t - 0.2606*h
    by_age_man = 0.3742 - 0.0755*smoker - 0.0255*s - 0.0281*t + 0.0426*h
    man = by_age_man*a + 0.6012*smoker + 0.2777*s + 0.1458*t - 0.2698*h
    where(female, woman + log(-log(0.9776)), man + log(-log(0.9605)))

# title: Cardiovascular disease within 10 years, PREVENT of 2023
# text: People of 30 to 79 without cardiovascular disease, in the United States. Atherosclerotic
#   disease or heart failure.
# source: Khan SS et al. Circulation 149 (2024), 430-449. doi:10.1161/CIRCULATIONAHA.123.067626
# checked: The base model. Against preventr; coefficients alike in five public copies; a sixth
#   has others for men.
# result risk [1] 0 to 1: probability within 10 years
# input age [year] 30* to 79*: age
# input total_cholesterol [mg/dL; 386.65 g/mol] 130* to 320*: total cholesterol
# input hdl [mg/dL; 386.65 g/mol] 20* to 100*: HDL cholesterol
# input sbp [mmHg] 90* to 200*: systolic blood pressure
# input treated [0 or 1] 0 to 1: 1 under treatment of hypertension
# input statin [0 or 1] 0 to 1: 1 under a statin
# input diabetes [0 or 1] 0 to 1: 1 with diabetes
# input smoker [0 or 1] 0 to 1: 1 for smokers
# input egfr [mL/min/1.73 m^2] 15 to 140: glomerular filtration rate, CKD-EPI 2021
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# kink: sbp = 110
# kink: egfr = 60
# example age=50, total_cholesterol=200, hdl=45, sbp=160, treated=1, statin=0, diabetes=1,
#   smoker=0, egfr=90, female=1
#   -> 0.147 +- 5e-4: R package preventr, tests
# example age=50, total_cholesterol=200, hdl=45, sbp=160, treated=1, statin=0, diabetes=1,
#   smoker=0, egfr=90, female=0
#   -> 0.163 +- 5e-4: R package preventr, tests
prevent_cvd(age, total_cholesterol, hdl, sbp, treated, statin, diabetes, smoker, egfr, female):
    a = (age - 55)/10
    n = 0.02586*(total_cholesterol - hdl) - 3.5
    h = (0.02586*hdl - 1.3)/0.3
    s1 = (min(sbp, 110) - 110)/20
    s2 = (max(sbp, 110) - 130)/20
    e1 = (60 - min(egfr, 60))/15
    e2 = (90 - max(egfr, 60))/15
    woman_age = 0.7939329 - 0.0819715*n + 0.0306769*h - 0.0946348*s2 - 0.1637806*e1
    woman_age_habits = -0.27057*diabetes - 0.078715*smoker
    woman_pressure = -0.2394003*s1 + 0.3600781*s2 + 0.3151672*treated - 0.0663612*treated*s2
    woman_lipids = 0.0305239*n - 0.1606857*h - 0.1477655*statin + 0.1197879*statin*n
    woman_rest = 0.8667604*diabetes + 0.5360739*smoker + 0.6045917*e1 + 0.0433769*e2
    woman = (woman_age + woman_age_habits)*a + woman_pressure + woman_lipids + woman_rest - 3.307728
    man_age = 0.7688528 - 0.0517874*n + 0.0191169*h - 0.1049477*s2 - 0.1543702*e1
    man_age_habits = -0.2251948*diabetes - 0.0895067*smoker
    man_pressure = -0.4347345*s1 + 0.3362658*s2 + 0.288879*treated - 0.0475924*treated*s2
    man_lipids = 0.0736174*n - 0.0954431*h - 0.1337349*statin + 0.150273*statin*n
    man_rest = 0.7692857*diabetes + 0.4386871*smoker + 0.5378979*e1 + 0.0164827*e2
    man = (man_age + man_age_habits)*a + man_pressure + man_lipids + man_rest - 3.031168
    log_odds = where(female, woman, man)
    sigmoid(log_odds)

# title: Atherosclerotic cardiovascular disease within 10 years, PREVENT of 2023
# text: People of 30 to 79 without cardiovascular disease, in the United States. Coronary disease
#   or stroke.
# source: Khan SS et al. Circulation 149 (2024), 430-449. doi:10.1161/CIRCULATIONAHA.123.067626
# checked: The base model. Against preventr; coefficients alike in five public copies; a sixth
#   has others for men.
# result risk [1] 0 to 1: probability within 10 years
# input age [year] 30* to 79*: age
# input total_cholesterol [mg/dL; 386.65 g/mol] 130* to 320*: total cholesterol
# input hdl [mg/dL; 386.65 g/mol] 20* to 100*: HDL cholesterol
# input sbp [mmHg] 90* to 200*: systolic blood pressure
# input treated [0 or 1] 0 to 1: 1 under treatment of hypertension
# input statin [0 or 1] 0 to 1: 1 under a statin
# input diabetes [0 or 1] 0 to 1: 1 with diabetes
# input smoker [0 or 1] 0 to 1: 1 for smokers
# input egfr [mL/min/1.73 m^2] 15 to 140: glomerular filtration rate, CKD-EPI 2021
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# kink: sbp = 110
# kink: egfr = 60
# example age=50, total_cholesterol=200, hdl=45, sbp=160, treated=1, statin=0, diabetes=1,
#   smoker=0, egfr=90, female=1
#   -> 0.092 +- 5e-4: R package preventr, tests
# example age=50, total_cholesterol=200, hdl=45, sbp=160, treated=1, statin=0, diabetes=1,
#   smoker=0, egfr=90, female=0
#   -> 0.102 +- 5e-4: R package preventr, tests
prevent_ascvd(age, total_cholesterol, hdl, sbp, treated, statin, diabetes, smoker, egfr, female):
    a = (age - 55)/10
    n = 0.02586*(total_cholesterol - hdl) - 3.5
    h = (0.02586*hdl - 1.3)/0.3
    s1 = (min(sbp, 110) - 110)/20
    s2 = (max(sbp, 110) - 130)/20
    e1 = (60 - min(egfr, 60))/15
    e2 = (90 - max(egfr, 60))/15
    woman_age = 0.719883 - 0.0567839*n + 0.0325692*h - 0.1035985*s2 - 0.1671492*e1
    woman_age_habits = -0.2417542*diabetes - 0.0791142*smoker
    woman_pressure = -0.0835358*s1 + 0.3592852*s2 + 0.2265309*treated - 0.0395762*treated*s2
    woman_lipids = 0.1176967*n - 0.151185*h - 0.0592374*statin + 0.0844423*statin*n
    woman_rest = 0.8348585*diabetes + 0.4831078*smoker + 0.4864619*e1 + 0.0397779*e2
    woman = (woman_age + woman_age_habits)*a + woman_pressure + woman_lipids + woman_rest - 3.819975
    man_age = 0.7099847 - 0.0300005*n + 0.0232747*h - 0.0927024*s2 - 0.1217081*e1
    man_age_habits = -0.2018525*diabetes - 0.0970527*smoker
    man_pressure = -0.2837212*s1 + 0.3239977*s2 + 0.2036522*treated - 0.0322916*treated*s2
    man_lipids = 0.1658663*n - 0.1144285*h - 0.0865581*statin + 0.114563*statin*n
    man_rest = 0.7189597*diabetes + 0.3956973*smoker + 0.3690075*e1 + 0.0203619*e2
    man = (man_age + man_age_habits)*a + man_pressure + man_lipids + man_rest - 3.500655
    log_odds = where(female, woman, man)
    sigmoid(log_odds)

# title: Heart failure within 10 years, PREVENT of 2023
# text: People of 30 to 79 without cardiovascular disease, in the United States.
# source: Khan SS et al. Circulation 149 (2024), 430-449. doi:10.1161/CIRCULATIONAHA.123.067626
# checked: The base model. Against preventr; coefficients alike in five public copies; a sixth
#   has others for men.
# result risk [1] 0 to 1: probability within 10 years
# input age [year] 30* to 79*: age
# input bmi [kg/m^2] 18.5* to <40*: body mass index
# input sbp [mmHg] 90* to 200*: systolic blood pressure
# input treated [0 or 1] 0 to 1: 1 under treatment of hypertension
# input diabetes [0 or 1] 0 to 1: 1 with diabetes
# input smoker [0 or 1] 0 to 1: 1 for smokers
# input egfr [mL/min/1.73 m^2] 15 to 140: glomerular filtration rate, CKD-EPI 2021
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# kink: sbp = 110
# kink: egfr = 60
# kink: bmi = 30
# example age=50, bmi=35, sbp=160, treated=1, diabetes=1, smoker=0, egfr=90, female=1
#   -> 0.081 +- 5e-4: R package preventr, tests
# example age=50, bmi=35, sbp=160, treated=1, diabetes=1, smoker=0, egfr=90, female=0
#   -> 0.106 +- 5e-4: R package preventr, tests
prevent_heart_failure(age, bmi, sbp, treated, diabetes, smoker, egfr, female):
    a = (age - 55)/10
    b1 = (min(bmi, 30) - 25)/5
    b2 = (max(bmi, 30) - 30)/5
    s1 = (min(sbp, 110) - 110)/20
    s2 = (max(sbp, 110) - 130)/20
    e1 = (60 - min(egfr, 60))/15
    e2 = (90 - max(egfr, 60))/15
    woman_age = 0.8998235 - 0.0946663*s2 - 0.003878*b2 - 0.1884289*e1
    woman_age_habits = -0.3581041*diabetes - 0.1159453*smoker
    woman_pressure = -0.4559771*s1 + 0.3576505*s2 + 0.3534442*treated - 0.0981511*treated*s2
    woman_size = -0.0072294*b1 + 0.2997706*b2
    woman_rest = 1.038346*diabetes + 0.583916*smoker + 0.7451638*e1 + 0.0557087*e2
    woman = (woman_age + woman_age_habits)*a + woman_pressure + woman_size + woman_rest - 4.310409
    man_age = 0.8972642 - 0.1289201*s2 + 0.0068126*b2 - 0.1797778*e1
    man_age_habits = -0.3040924*diabetes - 0.1401688*smoker
    man_pressure = -0.6811466*s1 + 0.3634461*s2 + 0.2980922*treated - 0.0497731*treated*s2
    man_size = -0.0485841*b1 + 0.3726929*b2
    man_rest = 0.923776*diabetes + 0.5023736*smoker + 0.6926917*e1 + 0.0251827*e2
    man = (man_age + man_age_habits)*a + man_pressure + man_size + man_rest - 3.946391
    log_odds = where(female, woman, man)
    sigmoid(log_odds)

# title: Risk of stroke in atrial fibrillation, CHA2DS2-VASc
# text: Points: 2 for a stroke and for 75 years or more, 1 for each of the others.
# source: Lip GYH et al. Chest 137 (2010), 263-272. doi:10.1378/chest.09-1584
# checked: The points of table 2.
# result points [1] 0 to 9: points
# input age [year] 18 to 120: age
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# input heart_failure [0 or 1] 0 to 1: 1 with congestive heart failure or a failing left ventricle
# input hypertension [0 or 1] 0 to 1: 1 with hypertension
# input diabetes [0 or 1] 0 to 1: 1 with diabetes
# input stroke [0 or 1] 0 to 1: 1 after a stroke, a transient attack or a thromboembolism
# input vascular [0 or 1] 0 to 1: 1 after an infarction, with peripheral arteries or aortic plaque
# example age=80, female=1, heart_failure=1, hypertension=1, diabetes=1, stroke=1, vascular=1
#   -> 9 +- 1e-12: Lip 2010, the largest score
# example age=65, female=0, heart_failure=0, hypertension=1, diabetes=0, stroke=0, vascular=0
#   -> 2 +- 1e-12: computed
cha2ds2_vasc(age, female, heart_failure, hypertension, diabetes, stroke, vascular):
    of_age = (age >= 65) + (age >= 75)
    of_age + female + heart_failure + hypertension + diabetes + 2*stroke + vascular

# title: Mean arterial pressure
# text: nan where the diastolic pressure is above the systolic.
# source: DeMers D, Wachs D. Physiology, Mean Arterial Pressure. StatPearls, NBK538226.
# checked: A third of the pulse pressure above the diastolic, the usual estimate.
# result pressure [mmHg] 20 to 300: mean arterial pressure
# input sbp [mmHg] 40 to 300: systolic blood pressure
# input dbp [mmHg] 10 to 200: diastolic blood pressure
# example sbp=120, dbp=80 -> 93.33333333333333 +- 1e-12: computed
# example sbp=108, dbp=51 -> 70 +- 1e-12: computed
mean_arterial_pressure(sbp, dbp) = where(dbp <= sbp, (sbp + 2*dbp)/3, nan)

# title: QT interval corrected for heart rate, Bazett
# source: Bazett HC. Heart 7 (1920), 353-370, reprinted in Annals of Noninvasive
#   Electrocardiology 2 (1997), 177-194. doi:10.1111/j.1542-474X.1997.tb00325.x
# checked: QT over the square root of RR in seconds.
# result qtc [ms] 80 to 1600: corrected QT interval
# input qt [ms] 150 to 800: QT interval
# input rr [ms] 250 to 3000: RR interval
# example qt=350, rr=857 -> 378.0747149462395 +- 4e-11: computed
# example qt=440, rr=800 -> 492 +- 0.5: RapidResponseCentral, calculator
# example qt=400, rr=1000 -> 400 +- 1e-11: identity, at 60 beats a minute nothing is corrected
qtc_bazett(qt, rr) = qt/sqrt(rr/1000)

# title: QT interval corrected for heart rate, Fridericia
# source: Fridericia LS. Acta Medica Scandinavica 53 (1920), 469-486.
#   doi:10.1111/j.0954-6820.1920.tb18266.x
# checked: QT over the cube root of RR in seconds; a public model has the power 0.333.
# result qtc [ms] 80 to 1600: corrected QT interval
# input qt [ms] 150 to 800: QT interval
# input rr [ms] 250 to 3000: RR interval
# example qt=350, rr=857 -> 368.4747818218743 +- 4e-11: computed
# example qt=400, rr=1000 -> 400 +- 1e-11: identity, at 60 beats a minute nothing is corrected
qtc_fridericia(qt, rr) = qt/cbrt(rr/1000)
