# Glucose, insulin, haemoglobin A1c.

# title: Insulin resistance, HOMA-IR
# text: Fasting values; 1 in a healthy person. Insulin in pmol/L is converted by 6 nmol to the
#   international unit.
# source: Matthews DR et al. Diabetologia 28 (1985), 412-419. doi:10.1007/BF00280883
# checked: 22.5 = 5 uU/mL * 4.5 mmol/L, the paper's normalisation.
# result homa_ir [1] 0 to 1000: insulin resistance
# input glucose [mmol/L; 180.156 g/mol] 1 to 50: fasting plasma glucose
# input insulin [uIU/mL; 6 nmol/IU] 0.1 to 300: fasting plasma insulin
# example glucose=4.5, insulin=5 -> 1 +- 1e-12: Matthews 1985, the normalisation
# example glucose=6.1, insulin=12 -> 3.2533333333333334 +- 1e-12: computed
homa_ir(glucose, insulin) = insulin*glucose/22.5

# title: Insulin resistance, HOMA-IR, from glucose in mg/dL
# text: As homa_ir; 405 is 22.5*18, with 18 for the 18.0156 of the molar mass.
# source: Matthews DR et al. Diabetologia 28 (1985), 412-419. doi:10.1007/BF00280883
# checked: 405 = 22.5*18.
# result homa_ir [1] 0 to 1000: insulin resistance
# input glucose [mg/dL; 180.156 g/mol] 20 to 900: fasting plasma glucose
# input insulin [uIU/mL; 6 nmol/IU] 0.1 to 300: fasting plasma insulin
# example glucose=81, insulin=5 -> 1 +- 1e-12: Matthews 1985, the normalisation (4.5 mmol/L)
# example glucose=100, insulin=10 -> 2.4691358024691357 +- 1e-12: computed
homa_ir_mg_dl(glucose, insulin) = insulin*glucose/405

# title: Function of beta cells, HOMA-B
# text: Fasting values, of which glucose must be over 3.5 mmol/L, where the formula has a pole.
# source: Matthews DR et al. Diabetologia 28 (1985), 412-419. doi:10.1007/BF00280883
# checked: 20*5/(4.5 - 3.5) = 100 percent, the paper's normalisation.
# result homa_b [percent] 0 to 1e5: function of beta cells
# input glucose [mmol/L; 180.156 g/mol] 3.6 to 50: fasting plasma glucose
# input insulin [uIU/mL; 6 nmol/IU] 0.1 to 300: fasting plasma insulin
# example glucose=4.5, insulin=5 -> 100 +- 1e-11: Matthews 1985, the normalisation
# example glucose=6.1, insulin=12 -> 92.3076923076923 +- 1e-11: computed
homa_b(glucose, insulin) = 20*insulin/(glucose - 3.5)

# title: Function of beta cells, HOMA-B, from glucose in mg/dL
# text: As homa_b; glucose must be over 63 mg/dL.
# source: Matthews DR et al. Diabetologia 28 (1985), 412-419. doi:10.1007/BF00280883
# checked: 360 = 20*18 and 63 = 3.5*18.
# result homa_b [percent] 0 to 1e5: function of beta cells
# input glucose [mg/dL; 180.156 g/mol] 65 to 900: fasting plasma glucose
# input insulin [uIU/mL; 6 nmol/IU] 0.1 to 300: fasting plasma insulin
# example glucose=81, insulin=5 -> 100 +- 1e-11: Matthews 1985, the normalisation (4.5 mmol/L)
# example glucose=100, insulin=10 -> 97.29729729729729 +- 1e-11: computed
homa_b_mg_dl(glucose, insulin) = 360*insulin/(glucose - 63)

# title: Insulin sensitivity, QUICKI
# source: Katz A et al. Journal of Clinical Endocrinology and Metabolism 85 (2000), 2402-2410.
#   doi:10.1210/jcem.85.7.6661
# checked: Common logarithms, of mg/dL and uU/mL.
# result quicki [1] 0 to 2: insulin sensitivity
# input glucose [mg/dL; 180.156 g/mol] 40 to 900: fasting plasma glucose
# input insulin [uIU/mL; 6 nmol/IU] 0.5 to 300: fasting plasma insulin
# example glucose=100, insulin=10 -> 0.3333333333333333 +- 1e-14: computed
# example glucose=81, insulin=5 -> 0.38351572360666236 +- 4e-14: computed
quicki(glucose, insulin) = 1/(log10(insulin) + log10(glucose))

# title: Average glucose from haemoglobin A1c
# source: Nathan DM et al. Diabetes Care 31 (2008), 1473-1478. doi:10.2337/dc08-0545
# checked: Against the published table: 126 at 6, 154 at 7 and 240 at 10 percent.
# result average_glucose [mg/dL; 180.156 g/mol] 60 to 600: estimated average glucose
# input hba1c [percent] 4 to 20: haemoglobin A1c, NGSP
# example hba1c=6 -> 126 +- 0.51: Nathan 2008, table
# example hba1c=7 -> 154 +- 0.5: Nathan 2008, table
# example hba1c=10 -> 240 +- 0.5: Nathan 2008, table
average_glucose(hba1c) = 28.7*hba1c - 46.7

# title: Haemoglobin A1c, from IFCC units to NGSP
# source: Weykamp C et al. Clinical Chemistry 54 (2008), 240-248.
# checked: The NGSP's master equation 0.09148*IFCC + 2.152; 53 mmol/mol is 7.0 percent.
# result hba1c [percent] 2 to 25: haemoglobin A1c, NGSP
# input hba1c_ifcc [mmol/mol] 5 to 230: haemoglobin A1c, IFCC
# example hba1c_ifcc=53 -> 7.0 +- 0.05: NGSP, conversion table
# example hba1c_ifcc=42 -> 6.0 +- 0.05: NGSP, conversion table
# example hba1c_ifcc=86 -> 10.0 +- 0.05: NGSP, conversion table
hba1c_ngsp(hba1c_ifcc) = 0.09148*hba1c_ifcc + 2.152
