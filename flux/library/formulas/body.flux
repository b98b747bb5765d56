# Size of the body, and energy at rest.

# title: Body mass index
# source: Keys A et al. Journal of Chronic Diseases 25 (1972), 329-343.
#   doi:10.1016/0021-9681(72)90027-6
# checked: A ratio.
# result bmi [kg/m^2] 0 to 7000: body mass index
# input weight [kg] 1 to 600: body weight
# input height [m] 0.3 to 2.8: standing height
# example weight=68, height=1.65 -> 24.98 +- 5e-3: Centers for Disease Control and Prevention
# example weight=70, height=1.75 -> 22.857142857142858 +- 1e-13: computed
# example weight=80, height=1.6 -> 31.25 +- 1e-13: computed
bmi(weight, height) = weight/height^2

# title: Body surface area, Du Bois
# source: Du Bois D, Du Bois EF. Archives of Internal Medicine 17 (1916), 863-871.
#   doi:10.1001/archinte.1916.00080130010002
# checked: 0.007184, as the packages admiral, clinPK and physiology alike.
# result area [m^2] 0 to 6: body surface area
# input weight [kg] 1 to 400: body weight
# input height [cm] 30 to 250: standing height
# example weight=80, height=180 -> 1.996 +- 5e-4: R package clinPK, tests
# example weight=4, height=35 -> 0.170 +- 5e-4: HP-46 Sample Applications, page 66
bsa_dubois(weight, height) = 0.007184*weight^0.425*height^0.725

# title: Body surface area, Mosteller
# source: Mosteller RD. New England Journal of Medicine 317 (1987), 1098.
#   doi:10.1056/NEJM198710223171717
# checked: 3600, as the packages admiral, clinPK and physiology alike.
# result area [m^2] 0 to 6: body surface area
# input weight [kg] 1 to 400: body weight
# input height [cm] 30 to 250: standing height
# example weight=80, height=180 -> 2.000 +- 5e-4: R package clinPK, tests
# example weight=72, height=200 -> 2 +- 1e-12: R package physiology, tests
bsa_mosteller(weight, height) = sqrt(weight*height/3600)

# title: Body surface area, Haycock
# text: Infants, children and adults.
# source: Haycock GB, Schwartz GJ, Wisotsky DH. Journal of Pediatrics 93 (1978), 62-66.
#   doi:10.1016/S0022-3476(78)80601-5
# checked: 0.024265, 0.5378 and 0.3964 in the packages admiral, clinPK and physiology alike.
# result area [m^2] 0 to 6: body surface area
# input weight [kg] 1 to 400: body weight
# input height [cm] 30 to 250: standing height
# example weight=80, height=180 -> 2.007 +- 5e-4: R package clinPK, tests
# example weight=10, height=75 -> 0.4635051676224094 +- 5e-14: computed
bsa_haycock(weight, height) = 0.024265*weight^0.5378*height^0.3964

# title: Body surface area, Gehan and George
# source: Gehan EA, George SL. Cancer Chemotherapy Reports 54 (1970), 225-235.
# checked: 0.0235, 0.51456 and 0.42246 in the packages admiral, clinPK and physiology alike.
# result area [m^2] 0 to 6: body surface area
# input weight [kg] 1 to 400: body weight
# input height [cm] 30 to 250: standing height
# example weight=80, height=180 -> 2.009 +- 5e-4: R package clinPK, tests
# example weight=10, height=75 -> 0.4761746196892056 +- 5e-14: computed
bsa_gehan_george(weight, height) = 0.0235*weight^0.51456*height^0.42246

# title: Body surface area, Boyd
# source: Boyd E. The Growth of the Surface Area of the Human Body. University of Minnesota Press,
#   1935.
# checked: Weight in grams, in the packages admiral and clinPK alike.
# result area [m^2] 0 to 6: body surface area
# input weight [kg] 1 to 400: body weight
# input height [cm] 30 to 250: standing height
# example weight=80, height=180 -> 2.007 +- 5e-4: R package clinPK, tests
# example weight=10, height=75 -> 0.480637153492139 +- 5e-14: computed
bsa_boyd(weight, height):
    grams = 1000*weight
    0.0003207*height^0.3*grams^(0.7285 - 0.0188*log10(grams))

# title: Body surface area, Fujimoto
# source: Fujimoto S et al. Nippon Eiseigaku Zasshi 23 (1968), 443-450.
# checked: 0.008883, 0.444 and 0.663 in the packages admiral and physiology alike.
# result area [m^2] 0 to 6: body surface area
# input weight [kg] 1 to 400: body weight
# input height [cm] 30 to 250: standing height
# example weight=80, height=180 -> 1.9443627272819302 +- 2e-13: computed
# example weight=10, height=75 -> 0.43224032366821236 +- 4e-14: computed
bsa_fujimoto(weight, height) = 0.008883*weight^0.444*height^0.663

# title: Ideal body weight, Devine
# text: Adults of 152.4 cm (60 inches) or more.
# source: Devine BJ. Drug Intelligence and Clinical Pharmacy 8 (1974), 650-655.
#   doi:10.1177/106002807400801104
# checked: Against the R package clinPK; 2.3 kg for each inch over 60.
# result weight [kg] 40 to 160: ideal body weight
# input height [cm] 152.4* to 250: standing height
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# example height=160, female=1 -> 52.381890 +- 5e-7: R package clinPK, tests
# example height=160, female=0 -> 56.881890 +- 5e-7: R package clinPK, tests
ideal_body_weight(height, female) = where(female, 45.5, 50) + 2.3*(height/2.54 - 60)

# title: Energy at rest, Mifflin and St Jeor
# text: The study was of people of 19 to 78 years.
# source: Mifflin MD et al. American Journal of Clinical Nutrition 51 (1990), 241-247.
#   doi:10.1093/ajcn/51.2.241
# checked: The simplified equation: 10, 6.25, 5, and 5 or -161.
# result energy [kcal/day] 0 to 6000: energy expended at rest
# input weight [kg] 20 to 400: body weight
# input height [cm] 100 to 250: standing height
# input age [year] 18 to 120: age
# input female [0 or 1] 0 to 1: 1 for women, 0 for men
# example weight=70, height=175, age=30, female=0 -> 1648.75 +- 1e-10: calculatorlib.com, example
# example weight=60, height=165, age=40, female=1 -> 1270.25 +- 1e-10: computed
energy_at_rest(weight, height, age, female):
    10*weight + 6.25*height - 5*age + where(female, -161, 5)
