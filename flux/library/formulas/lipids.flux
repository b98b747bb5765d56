# Lipids of the blood.

# title: LDL cholesterol, Friedewald
# text: Fasting samples with triglycerides up to 400 mg/dL, without chylomicrons or type III
#   hyperlipoproteinaemia. Values in mmol/L are converted by molar mass; the form that divides
#   triglycerides by 2.2 is ldl_friedewald_si.
# source: Friedewald WT, Levy RI, Fredrickson DS. Clinical Chemistry 18 (1972), 499-502.
#   doi:10.1093/clinchem/18.6.499
# checked: A fifth of the triglycerides, as in calculators and the paper.
# result ldl [mg/dL; 386.65 g/mol] -300 to 1200: LDL cholesterol
# input total_cholesterol [mg/dL; 386.65 g/mol] 20 to 1000: total cholesterol
# input hdl [mg/dL; 386.65 g/mol] 1 to 200: HDL cholesterol
# input triglycerides [mg/dL; 885.7 g/mol] 1 to 400*: triglycerides
# example total_cholesterol=200, hdl=50, triglycerides=150 -> 120 +- 1e-12: bit1024.com, calculator
# example total_cholesterol=250, hdl=60, triglycerides=200 -> 150 +- 1e-12: bit1024.com, calculator
ldl_friedewald(total_cholesterol, hdl, triglycerides):
    total_cholesterol - hdl - triglycerides/5

# title: LDL cholesterol, Friedewald, in mmol/L
# text: As ldl_friedewald; its 400 mg/dL of triglycerides are 4.52 mmol/L.
# source: Friedewald WT, Levy RI, Fredrickson DS. Clinical Chemistry 18 (1972), 499-502.
#   doi:10.1093/clinchem/18.6.499
# checked: 2.2 is 5*386.65/885.7 = 2.18, rounded as laboratories do.
# result ldl [mmol/L; 386.65 g/mol] -7 to 26: LDL cholesterol
# input total_cholesterol [mmol/L; 386.65 g/mol] 0.5 to 26: total cholesterol
# input hdl [mmol/L; 386.65 g/mol] 0.02 to 5.2: HDL cholesterol
# input triglycerides [mmol/L; 885.7 g/mol] 0.01 to 4.52*: triglycerides
# example total_cholesterol=5.2, hdl=1.3, triglycerides=1.65 -> 3.15 +- 1e-12: computed
# example total_cholesterol=6, hdl=1.0, triglycerides=2.2 -> 4 +- 1e-12: computed
ldl_friedewald_si(total_cholesterol, hdl, triglycerides):
    total_cholesterol - hdl - triglycerides/2.2

# title: LDL cholesterol, Sampson (NIH equation 2)
# text: Triglycerides up to 800 mg/dL.
# source: Sampson M et al. JAMA Cardiology 5 (2020), 540-548. doi:10.1001/jamacardio.2020.0013
# checked: All seven coefficients as ldl-calculator.com and others have them.
# result ldl [mg/dL; 386.65 g/mol] -300 to 1200: LDL cholesterol
# input total_cholesterol [mg/dL; 386.65 g/mol] 20 to 1000: total cholesterol
# input hdl [mg/dL; 386.65 g/mol] 1 to 200: HDL cholesterol
# input triglycerides [mg/dL; 885.7 g/mol] 1 to 800*: triglycerides
# example total_cholesterol=200, hdl=50, triglycerides=150 -> 123.39729061516445 +- 1e-11: computed
# example total_cholesterol=250, hdl=40, triglycerides=600 -> 106.46672130296945 +- 1e-11: computed
ldl_sampson(total_cholesterol, hdl, triglycerides):
    remnant = triglycerides/8.56 + triglycerides*(total_cholesterol - hdl)/2140
    total_cholesterol/0.948 - hdl/0.971 - (remnant - triglycerides^2/16100) - 9.44

# title: Cholesterol other than HDL
# source: Grundy SM et al. Circulation 139 (2019), e1082-e1143.
#   doi:10.1161/CIR.0000000000000625
# checked: A difference.
# result non_hdl [mg/dL; 386.65 g/mol] -200 to 1000: cholesterol that is not in HDL
# input total_cholesterol [mg/dL; 386.65 g/mol] 20 to 1000: total cholesterol
# input hdl [mg/dL; 386.65 g/mol] 1 to 200: HDL cholesterol
# example total_cholesterol=200, hdl=50 -> 150 +- 1e-12: computed
# example total_cholesterol=212.5, hdl=61 -> 151.5 +- 1e-12: computed
non_hdl_cholesterol(total_cholesterol, hdl) = total_cholesterol - hdl
