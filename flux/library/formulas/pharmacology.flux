# Dose and response, binding, elimination.

# title: Response to a concentration, Hill
# text: Any unit of concentration, the same for both.
# source: Hill AV. Journal of Physiology 40, supplement (1910), iv-vii.
# checked: Half of the largest effect at ec50.
# result effect [1] 0 to 1e9: response, in the unit of emax
# input concentration [umol/L] 0 to 1e9: concentration
# input emax [1] 0 to 1e9: largest response
# input ec50 [umol/L] 1e-9 to 1e9: concentration of half the largest response
# input n [1] 0.2 to 12: Hill coefficient
# kink: concentration = 0
# example concentration=3, emax=1, ec50=3, n=2 -> 0.5 +- 1e-13: identity, the definition of ec50
# example concentration=1, emax=100, ec50=10, n=1.5 -> 3.0653430031715505 +- 1e-12: computed
hill(concentration, emax, ec50, n):
    x = where(concentration > 0, concentration/ec50, 0)^n
    emax*x/(1 + x)

# title: Concentration for a response, Hill
# text: The inverse of hill; nan where the effect is not below emax.
# source: Hill AV. Journal of Physiology 40, supplement (1910), iv-vii.
# checked: Against hill.
# result concentration [umol/L] 0 to inf: concentration
# input effect [1] 1e-9 to 1e9: response, in the unit of emax
# input emax [1] 1e-9 to 1e9: largest response
# input ec50 [umol/L] 1e-9 to 1e9: concentration of half the largest response
# input n [1] 0.2 to 12: Hill coefficient
# example effect=0.5, emax=1, ec50=3, n=2 -> 3 +- 1e-12: identity, the definition of ec50
# example effect=90, emax=100, ec50=10, n=2 -> 30 +- 1e-11: computed
hill_inverse(effect, emax, ec50, n):
    ratio = effect/(emax - effect)
    ec50*where(ratio >= 0, ratio, nan)^(1/n)

# title: Logistic curve of four parameters
# text: As LL.4 of the R package drc. A curve that rises has a bottom above its top.
# source: Ritz C et al. PLoS ONE 10 (2015), e0146021. doi:10.1371/journal.pone.0146021
# checked: Half way between top and bottom at ec50.
# result response [1] -1e9 to 1e9: response
# input dose [umol/L] 0 to 1e9: dose or concentration
# input top [1] -1e9 to 1e9: response without a dose
# input bottom [1] -1e9 to 1e9: response to a large dose
# input ec50 [umol/L] 1e-9 to 1e9: dose of half the effect
# input slope [1] 0.2 to 12: steepness
# kink: dose = 0
# example dose=3.0579551695176694, top=7.792962327890152, bottom=0.4814099427905796,
#   ec50=3.0579551695176694, slope=2.98222866 -> 4.1371861353 +- 1e-9: identity, the definition of
#   ec50, with
#   the estimates for ryegrass of R package drc
# example dose=6.388625, top=7.792962, bottom=0.48141, ec50=3.057955, slope=2.982229
#   -> 1.212565 +- 1e-5: R package drc, ED90 of ryegrass
logistic4(dose, top, bottom, ec50, slope):
    x = where(dose > 0, dose/ec50, 0)^slope
    bottom + (top - bottom)/(1 + x)

# title: Dose for a response, logistic curve of four parameters
# text: The inverse of logistic4; nan where the response is not between bottom and top.
# source: Ritz C et al. PLoS ONE 10 (2015), e0146021. doi:10.1371/journal.pone.0146021
# checked: Against logistic4.
# result dose [umol/L] 0 to inf: dose or concentration
# input response [1] -1e9 to 1e9: response
# input top [1] -1e9 to 1e9: response without a dose
# input bottom [1] -1e9 to 1e9: response to a large dose
# input ec50 [umol/L] 1e-9 to 1e9: dose of half the effect
# input slope [1] 0.2 to 12: steepness
# kink: response = top
# example response=1.2125651812, top=7.792962327890152, bottom=0.4814099427905796,
#   ec50=3.0579551695176694, slope=2.9822286655848953 -> 6.388625 +- 5e-6: R package drc, ED90 of
#   ryegrass
# example response=5, top=9, bottom=1, ec50=2, slope=1.5 -> 2 +- 1e-12: identity, the definition
#   of ec50
logistic4_inverse(response, top, bottom, ec50, slope):
    ratio = (top - response)/(response - bottom)
    ec50*where(ratio >= 0, ratio, nan)^(1/slope)

# title: Logistic curve of five parameters
# text: The fifth makes it asymmetric; 1 gives logistic4.
# source: Gottschalk PG, Dunn JR. Analytical Biochemistry 343 (2005), 54-65.
#   doi:10.1016/j.ab.2005.04.035
# checked: Equal to logistic4 where the asymmetry is 1.
# result response [1] -1e9 to 1e9: response
# input dose [umol/L] 0 to 1e9: dose or concentration
# input top [1] -1e9 to 1e9: response without a dose
# input bottom [1] -1e9 to 1e9: response to a large dose
# input middle [umol/L] 1e-9 to 1e9: dose of the inflection, where the asymmetry is 1
# input slope [1] 0.2 to 12: steepness
# input asymmetry [1] 0.2 to 20: asymmetry
# kink: dose = 0
# example dose=2, top=9, bottom=1, middle=2, slope=1.5, asymmetry=1 -> 5 +- 1e-12: identity,
#   logistic4
# example dose=2, top=9, bottom=1, middle=2, slope=1.5, asymmetry=2 -> 3 +- 1e-12: computed
logistic5(dose, top, bottom, middle, slope, asymmetry):
    x = where(dose > 0, dose/middle, 0)^slope
    bottom + (top - bottom)*(1 + x)^-asymmetry

# title: Dose for a response, logistic curve of five parameters
# text: The inverse of logistic5; nan where the response is not between bottom and top.
# source: Gottschalk PG, Dunn JR. Analytical Biochemistry 343 (2005), 54-65.
#   doi:10.1016/j.ab.2005.04.035
# checked: Against logistic5.
# result dose [umol/L] 0 to inf: dose or concentration
# input response [1] -1e9 to 1e9: response
# input top [1] -1e9 to 1e9: response without a dose
# input bottom [1] -1e9 to 1e9: response to a large dose
# input middle [umol/L] 1e-9 to 1e9: dose of the inflection, where the asymmetry is 1
# input slope [1] 0.2 to 12: steepness
# input asymmetry [1] 0.2 to 20: asymmetry
# kink: response = top
# example response=5, top=9, bottom=1, middle=2, slope=1.5, asymmetry=1 -> 2 +- 1e-12: identity,
#   logistic4
# example response=3, top=9, bottom=1, middle=2, slope=1.5, asymmetry=2 -> 2 +- 1e-12: computed
logistic5_inverse(response, top, bottom, middle, slope, asymmetry):
    whole = (top - bottom)/(response - bottom)
    ratio = where(whole >= 1, whole, nan)^(1/asymmetry) - 1
    middle*ratio^(1/slope)

# title: Inhibition constant of a competitive inhibitor, Cheng and Prusoff
# source: Cheng YC, Prusoff WH. Biochemical Pharmacology 22 (1973), 3099-3108.
#   doi:10.1016/0006-2952(73)90196-2
# checked: Half of ic50 where the substrate is at km.
# result ki [nmol/L] 0 to 1e12: inhibition constant
# input ic50 [nmol/L] 1e-9 to 1e12: concentration of half the inhibition
# input substrate [umol/L] 0 to 1e9: concentration of the substrate, or of the radioligand
# input km [umol/L] 1e-9 to 1e9: Michaelis constant, or Kd of the radioligand
# example ic50=100, substrate=10, km=10 -> 50 +- 1e-12: identity, the case substrate = km of the
#   paper
# example ic50=240, substrate=2, km=1 -> 80 +- 1e-12: computed
cheng_prusoff(ic50, substrate, km) = ic50/(1 + substrate/km)

# title: Response with a competitive antagonist, Gaddum
# source: Gaddum JH. Journal of Physiology 89, supplement (1937), 7P-9P.
# checked: The agonist's ec50 grows by 1 + antagonist/kb.
# result effect [1] 0 to 1e9: response, in the unit of emax
# input agonist [umol/L] 0 to 1e9: concentration of the agonist
# input antagonist [umol/L] 0 to 1e9: concentration of the antagonist
# input emax [1] 0 to 1e9: largest response
# input ec50 [umol/L] 1e-9 to 1e9: agonist of half the largest response
# input kb [umol/L] 1e-9 to 1e9: dissociation constant of the antagonist
# example agonist=4, antagonist=3, emax=10, ec50=1, kb=1 -> 5 +- 1e-12: computed
# example agonist=4, antagonist=0, emax=10, ec50=1, kb=1 -> 8 +- 1e-12: identity, hill
gaddum(agonist, antagonist, emax, ec50, kb):
    emax*agonist/(agonist + ec50*(1 + antagonist/kb))

# title: Concentration after an intravenous bolus, one compartment
# source: Rowland M, Tozer TN. Clinical Pharmacokinetics and Pharmacodynamics, 4th edition (2011).
# checked: dose/volume at time 0, half of it after log(2)*volume/clearance.
# result concentration [mg/L] 0 to 1e9: concentration in plasma
# input dose [mg] 0 to 1e6: dose
# input clearance [L/hour] 1e-4 to 1e4: clearance
# input volume [L] 0.01 to 1e4: volume of distribution
# input time [hour] 0 to 1e4: time since the dose
# example dose=100, clearance=5, volume=50, time=0 -> 2 +- 1e-13: computed
# example dose=100, clearance=5, volume=50, time=6.931471805599453 -> 1 +- 1e-12: identity, one
#   half-life
one_compartment_bolus(dose, clearance, volume, time):
    dose/volume*exp(-clearance/volume*time)

# title: Half-life of elimination
# source: Rowland M, Tozer TN. Clinical Pharmacokinetics and Pharmacodynamics, 4th edition (2011).
# checked: log(2)*volume/clearance.
# result half_life [hour] 0 to 1e9: time in which the concentration halves
# input clearance [L/hour] 1e-4 to 1e4: clearance
# input volume [L] 0.01 to 1e4: volume of distribution
# example clearance=5, volume=50 -> 6.931471805599453 +- 1e-12: computed
# example clearance=1.618, volume=3.3425 -> 1.43 +- 5e-3: mathgpt.today, solved problem
half_life(clearance, volume) = log(2)*volume/clearance
