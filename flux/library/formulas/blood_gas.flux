# Acids, bases and gases of the blood.

# title: Anion gap
# source: Emmett M, Narins RG. Medicine 56 (1977), 38-54. doi:10.1097/00005792-197756010-00002
# checked: Without potassium.
# result gap [mmol/L; 1 Eq/mol] -150 to 150: unmeasured anions less unmeasured cations
# input sodium [mmol/L; 1 Eq/mol] 80 to 200: sodium
# input chloride [mmol/L; 1 Eq/mol] 50 to 160: chloride
# input bicarbonate [mmol/L; 1 Eq/mol] 1 to 60: bicarbonate
# example sodium=140, chloride=104, bicarbonate=24 -> 12 +- 1e-12: computed
# example sodium=140, chloride=100, bicarbonate=24 -> 16 +- 1e-12: Wikipedia, table of values
# example sodium=135, chloride=95, bicarbonate=10 -> 30 +- 1e-12: computed
anion_gap(sodium, chloride, bicarbonate) = sodium - chloride - bicarbonate

# title: Anion gap corrected for albumin
# source: Figge J et al. Critical Care Medicine 26 (1998), 1807-1810.
#   doi:10.1097/00003246-199811000-00019
# checked: 0.25 mmol for each g of albumin below 44 g/L; calculators have 2.5 for each g/dL.
# result gap [mmol/L; 1 Eq/mol] -160 to 160: corrected anion gap
# input sodium [mmol/L; 1 Eq/mol] 80 to 200: sodium
# input chloride [mmol/L; 1 Eq/mol] 50 to 160: chloride
# input bicarbonate [mmol/L; 1 Eq/mol] 1 to 60: bicarbonate
# input albumin [g/L; 66500 g/mol] 5 to 70: serum albumin
# example sodium=140, chloride=104, bicarbonate=24, albumin=44 -> 12 +- 1e-12: computed
# example sodium=140, chloride=104, bicarbonate=24, albumin=20 -> 18 +- 1e-12: computed
anion_gap_corrected(sodium, chloride, bicarbonate, albumin):
    anion_gap(sodium, chloride, bicarbonate) + 0.25*(44 - albumin)

# title: Calcium corrected for albumin
# text: An estimate for adults; ionised calcium is measured where it matters.
# source: Payne RB et al. British Medical Journal 4 (1973), 643-646. doi:10.1136/bmj.4.5893.643
# checked: 0.8 mg/dL for each g/dL (0.02 mmol/L for each g/L) is the usual form; the paper's own
#   slope, in its laboratory, is 1.
# result calcium [mg/dL; 40.078 g/mol; 2 Eq/mol] -1 to 35: corrected calcium
# input calcium_total [mg/dL; 40.078 g/mol; 2 Eq/mol] 2 to 30: total calcium
# input albumin [g/dL; 66500 g/mol] 0.5 to 7: serum albumin
# example calcium_total=8.5, albumin=3.0 -> 9.3 +- 1e-12: theprimecalculator.com, example
# example calcium_total=8.0, albumin=2.0 -> 9.6 +- 1e-12: onlinemedicaltools.com, example
calcium_corrected(calcium_total, albumin) = calcium_total + 0.8*(4 - albumin)

# title: Osmolality of serum
# text: Without potassium, ethanol and other osmoles.
# source: Dorwart WV, Chalmers L. Clinical Chemistry 21 (1975), 190-194.
#   doi:10.1093/clinchem/21.2.190
# checked: The usual short form, with 18 and 2.8 for mg/dL of glucose and of urea nitrogen; the
#   paper compares several.
# result osmolality [mmol/kg] 100 to 1500: osmoles in a kg of water
# input sodium [mmol/L; 1 Eq/mol] 80 to 200: sodium
# input glucose [mg/dL; 180.156 g/mol] 10 to 3000: glucose
# input urea_nitrogen [mg/dL; 28.014 g/mol] 1 to 300: urea nitrogen
# example sodium=135, glucose=100, urea_nitrogen=1.4 -> 276.06 +- 5e-3: 222health.com, example
# example sodium=140, glucose=90, urea_nitrogen=14 -> 290 +- 1e-12: computed
osmolality(sodium, glucose, urea_nitrogen) = 2*sodium + glucose/18 + urea_nitrogen/2.8

# title: pH of a buffer, Henderson and Hasselbalch
# source: Hasselbalch KA. Biochemische Zeitschrift 78 (1916), 112-144.
# checked: Common logarithm of base to acid.
# result ph [1] -20 to 35: pH
# input pka [1] -2 to 16: pKa of the acid
# input base [mmol/L] 1e-9 to 1e5: concentration of the base
# input acid [mmol/L] 1e-9 to 1e5: concentration of the acid
# example pka=4.76, base=1, acid=1 -> 4.76 +- 1e-12: computed
# example pka=6.1, base=20, acid=1 -> 7.401 +- 5e-4: the ratio of 20 to 1 of every textbook
henderson_hasselbalch(pka, base, acid) = pka + log10(base/acid)

# title: pH of blood from bicarbonate and carbon dioxide
# source: Hasselbalch KA. Biochemische Zeitschrift 78 (1916), 112-144.
# checked: pK 6.1 and solubility 0.03 mmol/L/mmHg, the values of textbooks for plasma at 37 degC.
# result ph [1] 5.5 to 9: pH
# input bicarbonate [mmol/L; 1 Eq/mol] 1 to 60: bicarbonate
# input pco2 [mmHg] 5 to 200: partial pressure of carbon dioxide
# example bicarbonate=24, pco2=40 -> 7.40 +- 5e-3: normal arterial blood
# example bicarbonate=25, pco2=40 -> 7.4 +- 0.074: R package physiology, tests
# example bicarbonate=12, pco2=40 -> 7.1 +- 7e-13: computed
blood_ph(bicarbonate, pco2) = henderson_hasselbalch(6.1, bicarbonate, 0.03*pco2)

# title: Carbon dioxide expected in metabolic acidosis, Winters
# source: Albert MS, Dell RB, Winters RW. Annals of Internal Medicine 66 (1967), 312-322.
#   doi:10.7326/0003-4819-66-2-312
# checked: As calculators have it, within 2 mmHg; the paper's regression has more digits.
# result pco2 [mmHg] 9 to 100: expected partial pressure of carbon dioxide
# input bicarbonate [mmol/L; 1 Eq/mol] 1 to 60: bicarbonate
# example bicarbonate=12 -> 26 +- 0.5: calcbee.com, example
# example bicarbonate=16 -> 32 +- 1e-12: computed
winters_pco2(bicarbonate) = 1.5*bicarbonate + 8

# title: Oxygen saturation of blood, Severinghaus
# text: Human blood at 37 degC and pH 7.4; within 0.0055 of the standard curve.
# source: Severinghaus JW. Journal of Applied Physiology 46 (1979), 599-602.
#   doi:10.1152/jappl.1979.46.3.599
# checked: Equation 1 of the abstract.
# result saturation [1] 0 to 1: saturation of haemoglobin
# input po2 [mmHg] 0 to 700: partial pressure of oxygen
# example po2=26.86 -> 0.5 +- 0.0055: Severinghaus 1979, P50 of the standard curve
# example po2=40 -> 0.7494646680942184 +- 1e-14: computed
# example po2=100 -> 0.9774653312788907 +- 1e-13: computed
oxygen_saturation(po2):
    bound = po2^3 + 150*po2
    bound/(bound + 23400)

# title: Oxygen pressure from the saturation of blood, Severinghaus
# text: The inverse of oxygen_saturation, by Cardano's formula.
# source: Severinghaus JW. Journal of Applied Physiology 46 (1979), 599-602.
#   doi:10.1152/jappl.1979.46.3.599
# checked: Against oxygen_saturation, over its range.
# result po2 [mmHg] 0 to 1100: partial pressure of oxygen
# input saturation [1] 0 to 0.9999: saturation of haemoglobin
# example saturation=0.5 -> 26.86 +- 0.01: Severinghaus 1979, P50 of the standard curve
# example saturation=0.9774647887323944 -> 99.99917080576226 +- 1e-11: computed
oxygen_pressure(saturation):
    half = 11700*saturation/(1 - saturation)
    large = cbrt(half + sqrt(half^2 + 125000))
    large - 50/large

# title: Oxygen in the alveoli
# source: Fenn WO, Rahn H, Otis AB. American Journal of Physiology 146 (1946), 637-653.
#   doi:10.1152/ajplegacy.1946.146.5.637
# checked: The usual short form, with 47 mmHg of water vapour at 37 degC.
# result po2 [mmHg] -300 to 3000: partial pressure of oxygen in the alveoli
# input fraction [1] 0.1 to 1: fraction of oxygen in the inspired gas
# input pressure [mmHg] 200 to 2300: barometric pressure
# input pco2 [mmHg] 5 to 200: arterial partial pressure of carbon dioxide
# input quotient [1] 0.6 to 1.2: respiratory quotient
# example fraction=0.21, pressure=760, pco2=40, quotient=0.8 -> 99.73 +- 5e-3: respcalc.com
# example fraction=0.21, pressure=700, pco2=38, quotient=0.8 -> 89.63 +- 5e-3: respcalc.com
# example fraction=1, pressure=760, pco2=40, quotient=0.8 -> 663 +- 1e-10: computed
alveolar_oxygen(fraction, pressure, pco2, quotient) = fraction*(pressure - 47) - pco2/quotient
