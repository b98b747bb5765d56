# Rates of enzymes.

# title: Rate of an enzyme, Michaelis and Menten
# source: Michaelis L, Menten ML. Biochemische Zeitschrift 49 (1913), 333-369; in English in
#   Biochemistry 50 (2011), 8264-8269. doi:10.1021/bi201284u
# checked: Half of vmax at km.
# result rate [umol/min] 0 to 1e9: initial rate
# input substrate [umol/L] 0 to 1e9: concentration of the substrate
# input vmax [umol/min] 0 to 1e9: largest rate
# input km [umol/L] 1e-9 to 1e9: Michaelis constant
# example substrate=5, vmax=10, km=5 -> 5 +- 1e-13: identity, the definition of km
# example substrate=15, vmax=8, km=5 -> 6 +- 1e-13: computed
michaelis_menten(substrate, vmax, km) = vmax*substrate/(km + substrate)

# title: Rate with a competitive inhibitor
# source: Cornish-Bowden A. Fundamentals of Enzyme Kinetics, 4th edition (2012), chapter 6.
# checked: km grows by 1 + inhibitor/ki.
# result rate [umol/min] 0 to 1e9: initial rate
# input substrate [umol/L] 0 to 1e9: concentration of the substrate
# input inhibitor [umol/L] 0 to 1e9: concentration of the inhibitor
# input vmax [umol/min] 0 to 1e9: largest rate
# input km [umol/L] 1e-9 to 1e9: Michaelis constant
# input ki [umol/L] 1e-9 to 1e9: inhibition constant
# example substrate=200, inhibitor=600, vmax=30, km=5, ki=60 -> 23.53 +- 5e-3: letstalkacademy.com,
#   solved problem
# example substrate=15, inhibitor=0, vmax=8, km=5, ki=1 -> 6 +- 1e-13: identity, michaelis_menten
michaelis_menten_competitive(substrate, inhibitor, vmax, km, ki):
    vmax*substrate/(km*(1 + inhibitor/ki) + substrate)

# title: Rate with an uncompetitive inhibitor
# source: Cornish-Bowden A. Fundamentals of Enzyme Kinetics, 4th edition (2012), chapter 6.
# checked: vmax and km both fall by 1 + inhibitor/ki.
# result rate [umol/min] 0 to 1e9: initial rate
# input substrate [umol/L] 0 to 1e9: concentration of the substrate
# input inhibitor [umol/L] 0 to 1e9: concentration of the inhibitor
# input vmax [umol/min] 0 to 1e9: largest rate
# input km [umol/L] 1e-9 to 1e9: Michaelis constant
# input ki [umol/L] 1e-9 to 1e9: inhibition constant
# example substrate=5, inhibitor=2, vmax=12, km=10, ki=2 -> 3 +- 1e-13: computed
# example substrate=15, inhibitor=0, vmax=8, km=5, ki=1 -> 6 +- 1e-13: identity, michaelis_menten
michaelis_menten_uncompetitive(substrate, inhibitor, vmax, km, ki):
    vmax*substrate/(km + substrate*(1 + inhibitor/ki))

# title: Rate with a mixed inhibitor
# text: With two equal constants it is the non-competitive inhibitor.
# source: Cornish-Bowden A. Fundamentals of Enzyme Kinetics, 4th edition (2012), chapter 6.
# checked: Competitive and uncompetitive inhibition are its limits.
# result rate [umol/min] 0 to 1e9: initial rate
# input substrate [umol/L] 0 to 1e9: concentration of the substrate
# input inhibitor [umol/L] 0 to 1e9: concentration of the inhibitor
# input vmax [umol/min] 0 to 1e9: largest rate
# input km [umol/L] 1e-9 to 1e9: Michaelis constant
# input ki [umol/L] 1e-9 to 1e9: inhibition constant of the free enzyme
# input ki_bound [umol/L] 1e-9 to 1e9: inhibition constant of the enzyme with its substrate
# example substrate=5, inhibitor=2, vmax=12, km=5, ki=2, ki_bound=2 -> 3 +- 1e-13: computed
# example substrate=15, inhibitor=0, vmax=8, km=5, ki=1, ki_bound=1 -> 6 +- 1e-13: identity,
#   michaelis_menten
michaelis_menten_mixed(substrate, inhibitor, vmax, km, ki, ki_bound):
    vmax*substrate/(km*(1 + inhibitor/ki) + substrate*(1 + inhibitor/ki_bound))

# title: Rate with inhibition by the substrate, Haldane
# source: Haldane JBS. Enzymes. Longmans, Green and Co., London, 1930.
# checked: The rate is greatest at sqrt(km*ki).
# result rate [umol/min] 0 to 1e9: initial rate
# input substrate [umol/L] 0 to 1e9: concentration of the substrate
# input vmax [umol/min] 0 to 1e9: largest rate without inhibition
# input km [umol/L] 1e-9 to 1e9: Michaelis constant
# input ki [umol/L] 1e-9 to 1e9: inhibition constant of the substrate
# example substrate=10, vmax=12, km=5, ki=20 -> 6 +- 1e-13: computed
# example substrate=4, vmax=9, km=2, ki=8 -> 4.5 +- 1e-13: computed
michaelis_menten_substrate_inhibition(substrate, vmax, km, ki):
    vmax*substrate/(km + substrate + substrate^2/ki)

# title: Rate with a tightly bound inhibitor, Morrison
# text: Where the inhibitor is used up by the enzyme. The constant is the apparent one.
# source: Morrison JF. Biochimica et Biophysica Acta 185 (1969), 269-286.
#   doi:10.1016/0005-2744(69)90420-3
# checked: Against the quadratic equation in exact fractions; written so that no digits cancel.
# result rate [umol/min] 0 to 1e9: initial rate
# input enzyme [nmol/L] 1e-6 to 1e9: concentration of the enzyme
# input inhibitor [nmol/L] 0 to 1e9: concentration of the inhibitor
# input uninhibited [umol/min] 0 to 1e9: rate without the inhibitor
# input ki [nmol/L] 1e-6 to 1e9: apparent inhibition constant
# example enzyme=1, inhibitor=1, uninhibited=1, ki=0.5 -> 0.5 +- 1e-13: computed
# example enzyme=10, inhibitor=0, uninhibited=7, ki=1 -> 7 +- 1e-13: identity, michaelis_menten
morrison(enzyme, inhibitor, uninhibited, ki):
    excess = enzyme - inhibitor - ki
    spread = sqrt(excess^2 + 4*enzyme*ki)
    uninhibited*where(excess > 0, (excess + spread)/(2*enzyme), 2*ki/(spread - excess))

# title: Substrate left after a time, progress curve of Michaelis and Menten
# text: The root S of S + km*log(S) = s0 + km*log(s0) - vmax*t, in closed form by Lambert's W.
# source: Schnell S, Mendoza C. Journal of Theoretical Biology 187 (1997), 207-212.
#   doi:10.1006/jtbi.1997.0425
# checked: Against km*W(s0/km*exp((s0 - vmax*t)/km)) by SciPy.
# result substrate [umol/L] 0 to 1e9: concentration of the substrate
# input time [min] 0 to 1e6: time since the start
# input s0 [umol/L] 1e-3 to 1e6: concentration at the start
# input vmax [umol/L/min] 1e-6 to 1e6: largest rate
# input km [umol/L] 1e-3 to 1e6: Michaelis constant
# example time=30, s0=1, vmax=0.1, km=2 -> 0.314369902967628 +- 1e-12: R package renz, vignette
#   on Lambert's W
# example time=0, s0=4, vmax=1, km=2 -> 4 +- 1e-12: identity, the start
progress_curve(time, s0, vmax, km) = s0*exp(log_left(0, time, s0, vmax, km))

# log(S/s0), between -vmax*t/km and 0; well scaled however little is left. u is what is sought.
log_left(u, time, s0, vmax, km):
    root(s0*expm1(u) + km*u + vmax*time, u, -vmax*time/km, 0)
