# Scores of the liver.

# title: End-stage liver disease, MELD
# text: Neither rounded nor bounded to 40, as allocation does. Values below 1 count as 1, and
#   creatinine over 4 mg/dL as 4; so does dialysis.
# source: Wiesner R et al. Gastroenterology 124 (2003), 91-96. doi:10.1053/gast.2003.50016
# checked: Against the R package ameld.
# result score [1] 6.43 to 80: score
# input bilirubin [mg/dL; 584.66 g/mol] 0.1 to 80: total bilirubin of serum
# input inr [1] 0.5 to 20: international normalised ratio of prothrombin time
# input creatinine [mg/dL; 113.12 g/mol] 0.1 to 40: serum creatinine
# kink: bilirubin = 1
# kink: inr = 1
# kink: creatinine = 1
# kink: creatinine = 4
# example bilirubin=4.2, inr=1.2, creatinine=1.9 -> 20.0391626 +- 5e-8: R package ameld, tests
# example bilirubin=0.9, inr=1, creatinine=0.9 -> 6.43 +- 1e-12: R package ameld, tests
# example bilirubin=1.9, inr=1.2, creatinine=1.3 -> 13.41 +- 5e-3: calculatorlib.com, example
meld(bilirubin, inr, creatinine):
    of_creatinine = 9.57*log(min(max(creatinine, 1), 4))
    3.78*log(max(bilirubin, 1)) + 11.2*log(max(inr, 1)) + of_creatinine + 6.43

# title: End-stage liver disease, MELD 3.0
# text: Neither rounded nor bounded to 40, as allocation does. Bilirubin and INR below 1 count as 1;
#   the others count as the nearest of sodium 125 to 137 mmol/L, creatinine 1 to 3 mg/dL (3 with
#   dialysis) and albumin 1.5 to 3.5 g/dL.
# source: Kim WR et al. Gastroenterology 161 (2021), 1887-1895. doi:10.1053/j.gastro.2021.08.050
# checked: All nine numbers as two public models of the formula print them; other public pages
#   print the formula of MELD or of sodium under this name.
# result score [1] 6 to 80: score
# input bilirubin [mg/dL; 584.66 g/mol] 0.1 to 80: total bilirubin of serum
# input inr [1] 0.5 to 20: international normalised ratio of prothrombin time
# input creatinine [mg/dL; 113.12 g/mol] 0.1 to 40: serum creatinine
# input sodium [mmol/L; 1 Eq/mol] 80 to 200: serum sodium
# input albumin [g/dL; 66500 g/mol] 0.5 to 7: serum albumin
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# kink: bilirubin = 1
# kink: inr = 1
# kink: creatinine = 1
# kink: creatinine = 3
# kink: sodium = 125
# kink: sodium = 137
# kink: albumin = 1.5
# kink: albumin = 3.5
# example bilirubin=2, inr=1.5, creatinine=1.5, sodium=137, albumin=3, female=0 -> 18 +- 0.36:
#   calcbee, calculator
# example bilirubin=1, inr=1, creatinine=1, sodium=137, albumin=3.5, female=0 -> 6 +- 1e-12:
#   computed
# example bilirubin=5, inr=2, creatinine=2, sodium=128, albumin=2.5, female=1
#   -> 33.17655911214484 +- 1e-11: computed
meld_3(bilirubin, inr, creatinine, sodium, albumin, female):
    b = log(max(bilirubin, 1))
    c = log(min(max(creatinine, 1), 3))
    s = 137 - min(max(sodium, 125), 137)
    a = 3.5 - min(max(albumin, 1.5), 3.5)
    of_pairs = -0.24*s*b - 1.83*a*c
    4.56*b + 0.82*s + 9.09*log(max(inr, 1)) + 11.14*c + 1.85*a + of_pairs + 1.33*female + 6

# title: Fibrosis of the liver, FIB-4
# source: Sterling RK et al. Hepatology 43 (2006), 1317-1325. doi:10.1002/hep.21178
# checked: As in seven calculators alike.
# result index [1] 0 to 1e6: index
# input age [year] 18 to 120: age
# input ast [U/L] 1 to 20000: aspartate aminotransferase
# input alt [U/L] 1 to 20000: alanine aminotransferase
# input platelets [1e9/L] 1 to 3000: platelets
# example age=50, ast=40, alt=30, platelets=200 -> 1.83 +- 5e-3: calculatorhub.com, example
# example age=55, ast=80, alt=64, platelets=100 -> 5.5 +- 1e-12: computed
fib4(age, ast, alt, platelets) = age*ast/(platelets*sqrt(alt))
