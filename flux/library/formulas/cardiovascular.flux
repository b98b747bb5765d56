# Risk of cardiovascular disease, blood pressure, heart rate.

# title: Cardiovascular disease within 10 years, Framingham 2008, with lipids
# text: People of 30 to 74 without cardiovascular disease. Coronary, cerebrovascular and peripheral
#   arterial disease, and heart failure.
# source: D'Agostino RB et al. Circulation 117 (2008), 743-753.
#   doi:10.1161/CIRCULATIONAHA.107.699579
# checked: Table 2, by way of admiral and CVrisk, which agree; a public copy has 2.72107 for
#   2.76157.
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

# title: Mean arterial pressure
# source: DeMers D, Wachs D. Physiology, Mean Arterial Pressure. StatPearls, NBK538226.
# checked: A third of the pulse pressure above the diastolic, the usual estimate.
# result pressure [mmHg] 20 to 300: mean arterial pressure
# input sbp [mmHg] 40 to 300: systolic blood pressure
# input dbp [mmHg] 10 to 200: diastolic blood pressure
# example sbp=120, dbp=80 -> 93.33333333333333 +- 1e-12: computed
# example sbp=108, dbp=51 -> 70 +- 1e-12: computed
mean_arterial_pressure(sbp, dbp) = (sbp + 2*dbp)/3

# title: QT interval corrected for heart rate, Bazett
# source: Bazett HC. Heart 7 (1920), 353-370, reprinted in Annals of Noninvasive
#   Electrocardiology 2 (1997), 177-194. doi:10.1111/j.1542-474X.1997.tb00325.x
# checked: QT over the square root of RR in seconds.
# result qtc [ms] 100 to 1500: corrected QT interval
# input qt [ms] 150 to 800: QT interval
# input rr [ms] 250 to 3000: RR interval
# example qt=350, rr=857 -> 378.0747149462395 +- 4e-11: computed
# example qt=440, rr=800 -> 492 +- 0.5: RapidResponseCentral, calculator
# example qt=400, rr=1000 -> 400 +- 1e-11: at 60 beats a minute nothing is corrected
qtc_bazett(qt, rr) = qt/sqrt(rr/1000)

# title: QT interval corrected for heart rate, Fridericia
# source: Fridericia LS. Acta Medica Scandinavica 53 (1920), 469-486.
#   doi:10.1111/j.0954-6820.1920.tb18266.x
# checked: QT over the cube root of RR in seconds.
# result qtc [ms] 100 to 1500: corrected QT interval
# input qt [ms] 150 to 800: QT interval
# input rr [ms] 250 to 3000: RR interval
# example qt=350, rr=857 -> 368.4747818218743 +- 4e-11: computed
# example qt=400, rr=1000 -> 400 +- 1e-11: at 60 beats a minute nothing is corrected
qtc_fridericia(qt, rr) = qt/cbrt(rr/1000)
