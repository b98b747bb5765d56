# Kidney function: estimated glomerular filtration rates, and clearances.

# title: Glomerular filtration rate, CKD-EPI 2021, from creatinine
# text: Adults. Creatinine by an assay that is traceable to isotope dilution mass spectrometry.
# source: Inker LA et al. New England Journal of Medicine 385 (2021), 1737-1749.
#   doi:10.1056/NEJMoa2102953
# checked: Coefficients as the National Kidney Foundation prints them.
# result egfr [mL/min/1.73 m^2] 0 to 400: estimated glomerular filtration rate
# input creatinine [mg/dL; 113.12 g/mol] 0.1 to 40: serum creatinine
# input age [year] 18* to 120: age
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# kink: creatinine = where(female, 0.7, 0.9)
# example creatinine=1.09, age=55, female=0 -> 80 +- 0.5: National Kidney Foundation, calculator
# example creatinine=1.2, age=55, female=0 -> 71 +- 0.5: National Kidney Foundation, calculator
# example creatinine=0.8, age=70, female=0 -> 95.2 +- 0.05: R package tabletools, documentation
# example creatinine=0.8, age=70, female=1 -> 79.2 +- 0.05: R package tabletools, documentation
# example creatinine=0.5, age=30, female=1 -> 129.31695975066629 +- 1e-11: computed
egfr_ckd_epi_2021(creatinine, age, female):
    kappa = where(female, 0.7, 0.9)
    alpha = where(female, -0.241, -0.302)
    ratio = creatinine/kappa
    142*min(ratio, 1)^alpha*max(ratio, 1)^-1.200*0.9938^age*where(female, 1.012, 1)

# title: Glomerular filtration rate, CKD-EPI 2021, from creatinine and cystatin C
# text: Adults. Cystatin C by an assay that is calibrated to ERM-DA471/IFCC.
# source: Inker LA et al. New England Journal of Medicine 385 (2021), 1737-1749.
#   doi:10.1056/NEJMoa2102953
# checked: Coefficients as egfr.app and the R package tabletools print them; another public copy
#   has those of 2012 under the name of 2021.
# result egfr [mL/min/1.73 m^2] 0 to 400: estimated glomerular filtration rate
# input creatinine [mg/dL; 113.12 g/mol] 0.1 to 40: serum creatinine
# input cystatin_c [mg/L; 13343 g/mol] 0.1 to 20: serum cystatin C
# input age [year] 18* to 120: age
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# kink: creatinine = where(female, 0.7, 0.9)
# kink: cystatin_c = 0.8
# example creatinine=0.6, cystatin_c=0.7, age=50, female=1 -> 115 +- 0.5: R package tabletools
# example creatinine=0.6, cystatin_c=0.7, age=50, female=0 -> 123 +- 0.5: R package tabletools
# example creatinine=0.6, cystatin_c=0.8, age=50, female=1 -> 111 +- 0.5: R package tabletools
# example creatinine=0.6, cystatin_c=0.8, age=50, female=0 -> 118 +- 0.5: R package tabletools
# example creatinine=1.0, cystatin_c=1.5, age=50, female=1 -> 54 +- 0.5: R package tabletools
egfr_ckd_epi_2021_cystatin(creatinine, cystatin_c, age, female):
    kappa = where(female, 0.7, 0.9)
    alpha = where(female, -0.219, -0.144)
    ratio = creatinine/kappa
    of_creatinine = min(ratio, 1)^alpha*max(ratio, 1)^-0.544
    of_cystatin = min(cystatin_c/0.8, 1)^-0.323*max(cystatin_c/0.8, 1)^-0.778
    135*of_creatinine*of_cystatin*0.9961^age*where(female, 0.963, 1)

# title: Glomerular filtration rate, CKD-EPI 2012, from cystatin C
# text: Adults. Cystatin C by an assay that is calibrated to ERM-DA471/IFCC.
# source: Inker LA et al. New England Journal of Medicine 367 (2012), 20-29.
#   doi:10.1056/NEJMoa1114248
# checked: Coefficients as the National Kidney Foundation prints them; egfr.app has 0.9962 for
#   0.996, and gives it under the name of 2021 too.
# result egfr [mL/min/1.73 m^2] 0 to 400: estimated glomerular filtration rate
# input cystatin_c [mg/L; 13343 g/mol] 0.1 to 20: serum cystatin C
# input age [year] 18* to 120: age
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# kink: cystatin_c = 0.8
# example cystatin_c=0.8, age=50, female=0 -> 108.84752593992127 +- 1e-11: computed
# example cystatin_c=1.5, age=50, female=1 -> 44.023927561996906 +- 4e-12: computed
egfr_ckd_epi_2012_cystatin(cystatin_c, age, female):
    of_cystatin = min(cystatin_c/0.8, 1)^-0.499*max(cystatin_c/0.8, 1)^-1.328
    133*of_cystatin*0.996^age*where(female, 0.932, 1)

# title: Glomerular filtration rate, MDRD study, four variables
# text: For creatinine that is traceable to isotope dilution mass spectrometry (175, not 186).
# source: Levey AS et al. Annals of Internal Medicine 145 (2006), 247-254.
#   doi:10.7326/0003-4819-145-4-200608150-00004
# checked: Coefficients as in the R packages admiral, nif and tabletools.
# result egfr [mL/min/1.73 m^2] 0 to 2000: estimated glomerular filtration rate
# input creatinine [mg/dL; 113.12 g/mol] 0.1 to 40: serum creatinine
# input age [year] 18* to 120: age
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# input black [0 or 1] 0 to 1: 1 for Black people, as the study recorded race
# example creatinine=1.09, age=55, female=0, black=0 -> 70.2 +- 0.05: MDCalc, by admiral's tests
# example creatinine=0.9615384615384615, age=65, female=1, black=1 -> 70.6 +- 0.05: MDCalc,
#   by admiral's tests (85 umol/L)
# example creatinine=1, age=50, female=0, black=0 -> 79 +- 0.5: R package tabletools
egfr_mdrd(creatinine, age, female, black):
    175*creatinine^-1.154*age^-0.203*where(female, 0.742, 1)*where(black, 1.212, 1)

# title: Creatinine clearance, Cockcroft and Gault
# text: Not normalised to body surface.
# source: Cockcroft DW, Gault MH. Nephron 16 (1976), 31-41. doi:10.1159/000180580
# checked: Against the calculator of the National Kidney Foundation; 15 percent less in women.
# result clearance [mL/min] 0 to 7000: creatinine clearance
# input creatinine [mg/dL; 113.12 g/mol] 0.1 to 40: serum creatinine
# input age [year] 18* to 120: age
# input weight [kg] 20 to 400: body weight
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# example creatinine=1.09, age=55, weight=90, female=0 -> 97 +- 0.5: National Kidney Foundation,
#   calculator
# example creatinine=0.9615384615384615, age=65, weight=60, female=1 -> 55 +- 0.5: National
#   Kidney Foundation, calculator (85 umol/L)
# example creatinine=1, age=40, weight=80, female=0 -> 111 +- 0.5: R package clinPK, tests
creatinine_clearance_cockcroft_gault(creatinine, age, weight, female):
    (140 - age)*weight/(72*creatinine)*where(female, 0.85, 1)

# title: Glomerular filtration rate of children, bedside Schwartz
# source: Schwartz GJ et al. Journal of the American Society of Nephrology 20 (2009), 629-637.
#   doi:10.1681/ASN.2008030287
# checked: Against the R package clinPK; 41.3 for a height in m is 0.413 for cm.
# result egfr [mL/min/1.73 m^2] 0 to 1000: estimated glomerular filtration rate
# input creatinine [mg/dL; 113.12 g/mol] 0.1 to 40: serum creatinine, by an enzymatic assay
# input height [cm] 30 to 220: standing height or length
# example creatinine=0.5, height=50 -> 41.3 +- 0.05: R package clinPK, tests
# example creatinine=0.8, height=120 -> 61.95 +- 1e-12: computed
egfr_schwartz_2009(creatinine, height) = 0.413*height/creatinine

# title: Fractional excretion of sodium
# source: Espinel CH. Journal of the American Medical Association 236 (1976), 579-581.
#   doi:10.1001/jama.1976.03270060029022
# checked: A ratio of two clearances.
# result excretion [percent] 0 to 20000: sodium excreted, of that filtered
# input sodium_urine [mmol/L; 1 Eq/mol] 1 to 400: sodium in urine
# input sodium_serum [mmol/L; 1 Eq/mol] 90 to 200: sodium in serum
# input creatinine_urine [mg/dL; 113.12 g/mol] 1 to 1000: creatinine in urine
# input creatinine_serum [mg/dL; 113.12 g/mol] 0.1 to 40: creatinine in serum
# example sodium_urine=80, sodium_serum=140, creatinine_urine=60, creatinine_serum=1
#   -> 0.95 +- 5e-3: Wikipedia, table of values
# example sodium_urine=20, sodium_serum=140, creatinine_urine=100, creatinine_serum=2
#   -> 0.2857142857142857 +- 1e-14: computed
# example sodium_urine=60, sodium_serum=135, creatinine_urine=40, creatinine_serum=4
#   -> 4.444444444444445 +- 1e-13: computed
fractional_excretion_of_sodium(sodium_urine, sodium_serum, creatinine_urine, creatinine_serum):
    100*(sodium_urine*creatinine_serum)/(sodium_serum*creatinine_urine)
