"""Every formula of the library once more: in Python, from the sources, in another form.

A formula of the library and its reference share no code and no coefficient table; where SciPy or
exact fractions compute the same thing, they do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from scipy import special, stats

log, exp, sqrt = math.log, math.exp, math.sqrt

# ---- Kidney --------------------------------------------------------------------------------------


def _ckd_epi_2021(creatinine: float, age: float, female: float) -> float:
    kappa, alpha, factor = (0.7, -0.241, 1.012) if female else (0.9, -0.302, 1.0)
    power = alpha if creatinine <= kappa else -1.200
    return 142 * exp(power * log(creatinine / kappa) + age * log(0.9938)) * factor


def _cystatin_2021(creatinine: float, cystatin_c: float, age: float, female: float) -> float:
    kappa, alpha, factor = (0.7, -0.219, 0.963) if female else (0.9, -0.144, 1.0)
    power = alpha if creatinine <= kappa else -0.544
    other = -0.323 if cystatin_c <= 0.8 else -0.778
    logs = power * log(creatinine / kappa) + other * log(cystatin_c / 0.8) + age * log(0.9961)
    return 135 * factor * exp(logs)


def _cystatin_2012(cystatin_c: float, age: float, female: float) -> float:
    power = -0.499 if cystatin_c <= 0.8 else -1.328
    return 133 * (0.932 if female else 1) * (cystatin_c / 0.8) ** power * 0.996**age


def _mdrd(creatinine: float, age: float, female: float, black: float) -> float:
    found = 175 / creatinine**1.154 / age**0.203
    return found * (0.742 if female else 1) * (1.212 if black else 1)


def _cockcroft_gault(creatinine: float, age: float, weight: float, female: float) -> float:
    return (140 - age) * weight * (0.85 if female else 1) / 72 / creatinine


# ---- Risk of cardiovascular disease --------------------------------------------------------------
# Framingham by sex: age, total cholesterol (or BMI), HDL, SBP untreated and treated, smoking,
# diabetes, survival, mean.

FRAMINGHAM = {
    1: (2.32888, 1.20904, -0.70833, 2.76157, 2.82263, 0.52873, 0.69154, 0.95012, 26.1931),
    0: (3.06117, 1.1237, -0.93263, 1.93303, 1.99881, 0.65451, 0.57367, 0.88936, 23.9802),
}
FRAMINGHAM_BMI = {
    1: (2.72107, 0.51125, 2.81291, 2.88267, 0.61868, 0.77763, 0.94833, 26.0145),
    0: (3.11296, 0.79277, 1.85508, 1.92672, 0.70953, 0.5316, 0.88431, 23.9388),
}


def _framingham(
    age: float,
    total_cholesterol: float,
    hdl: float,
    sbp: float,
    treated: float,
    smoker: float,
    diabetes: float,
    female: float,
) -> float:
    b = FRAMINGHAM[int(female)]
    x = [log(age), log(total_cholesterol), log(hdl), log(sbp) * (1 - treated), log(sbp) * treated]
    total = float(np.dot(b[:7], [*x, smoker, diabetes]))
    return float(1 - b[7] ** exp(total - b[8]))


def _framingham_bmi(
    age: float,
    bmi: float,
    sbp: float,
    treated: float,
    smoker: float,
    diabetes: float,
    female: float,
) -> float:
    b = FRAMINGHAM_BMI[int(female)]
    x = [log(age), log(bmi), log(sbp) * (1 - treated), log(sbp) * treated, smoker, diabetes]
    return float(1 - b[6] ** exp(float(np.dot(b[:6], x)) - b[7]))


# ASCVD by (female, black), in the order of the guideline's table: ln age, its square, ln total
# cholesterol, ln age * ln total, ln HDL, ln age * ln HDL, ln treated SBP, ln age * it, ln untreated
# SBP, ln age * it, smoker, ln age * smoker, diabetes, mean, survival.
ASCVD = {
    (1, 0): (-29.799, 4.884, 13.540, -3.114, -13.578, 3.149, 2.019, 0, 1.957, 0, 7.574, -1.665,
             0.661, -29.18, 0.9665),
    (1, 1): (17.114, 0, 0.940, 0, -18.920, 4.475, 29.291, -6.432, 27.820, -6.087, 0.691, 0,
             0.874, 86.61, 0.9533),
    (0, 0): (12.344, 0, 11.853, -2.664, -7.990, 1.769, 1.797, 0, 1.764, 0, 7.837, -1.795,
             0.658, 61.18, 0.9144),
    (0, 1): (2.469, 0, 0.302, 0, -0.307, 0, 1.916, 0, 1.809, 0, 0.549, 0,
             0.645, 19.54, 0.8954),
}  # fmt: skip


def _ascvd(
    age: float,
    total_cholesterol: float,
    hdl: float,
    sbp: float,
    treated: float,
    smoker: float,
    diabetes: float,
    female: float,
    black: float,
) -> float:
    b = ASCVD[int(female), int(black)]
    a, t, h, s = log(age), log(total_cholesterol), log(hdl), log(sbp)
    on, off = treated, 1 - treated
    x = [a, a * a, t, a * t, h, a * h, on * s, on * a * s, off * s, off * a * s]
    total = float(np.dot(b[:13], [*x, smoker, a * smoker, diabetes]))
    return float(1 - b[14] ** exp(total - b[13]))


# SCORE2 by sex: age, smoking, SBP, total cholesterol, HDL, then the last four by age; survival.
SCORE2 = {
    0: (0.3742, 0.6012, 0.2777, 0.1458, -0.2698, -0.0755, -0.0255, -0.0281, 0.0426, 0.9605),
    1: (0.4648, 0.7744, 0.3131, 0.1002, -0.2606, -0.1088, -0.0277, -0.0226, 0.0613, 0.9776),
}
SCORE2_SCALES = {
    "low": {0: (-0.5699, 0.7476), 1: (-0.7380, 0.7019)},
    "moderate": {0: (-0.1565, 0.8009), 1: (-0.3143, 0.7701)},
    "high": {0: (0.3207, 0.9360), 1: (0.5710, 0.9369)},
    "very_high": {0: (0.5836, 0.8294), 1: (0.9412, 0.8329)},
}


def _score2(region: str) -> Callable[..., float]:
    def risk(
        age: float, sbp: float, cholesterol: float, hdl: float, smoker: float, female: float
    ) -> float:
        b, (low, slope) = SCORE2[int(female)], SCORE2_SCALES[region][int(female)]
        a = (age - 60) / 5
        x = [smoker, (sbp - 120) / 20, cholesterol - 6, (hdl - 1.3) / 0.5]
        total = float(np.dot(b[:9], [a, *x, *(a * part for part in x)]))
        uncalibrated = 1 - b[9] ** exp(total)
        return 1 - exp(-exp(low + slope * log(-math.log1p(-uncalibrated))))

    return risk


# PREVENT (women, men): age, non-HDL, HDL, SBP under 110 and over, diabetes, smoking, BMI under 30
# and over, GFR under 60 and over, treated, statin, treated*SBP, statin*non-HDL; age by non-HDL,
# HDL, SBP, diabetes, smoking, BMI, GFR; constant.
PREVENT = {
    "cvd": (
        (0.7939329, 0.0305239, -0.1606857, -0.2394003, 0.3600781, 0.8667604, 0.5360739, 0, 0,
         0.6045917, 0.0433769, 0.3151672, -0.1477655, -0.0663612, 0.1197879, -0.0819715, 0.0306769,
         -0.0946348, -0.27057, -0.078715, 0, -0.1637806, -3.307728),
        (0.7688528, 0.0736174, -0.0954431, -0.4347345, 0.3362658, 0.7692857, 0.4386871, 0, 0,
         0.5378979, 0.0164827, 0.288879, -0.1337349, -0.0475924, 0.150273, -0.0517874, 0.0191169,
         -0.1049477, -0.2251948, -0.0895067, 0, -0.1543702, -3.031168),
    ),
    "ascvd": (
        (0.719883, 0.1176967, -0.151185, -0.0835358, 0.3592852, 0.8348585, 0.4831078, 0, 0,
         0.4864619, 0.0397779, 0.2265309, -0.0592374, -0.0395762, 0.0844423, -0.0567839, 0.0325692,
         -0.1035985, -0.2417542, -0.0791142, 0, -0.1671492, -3.819975),
        (0.7099847, 0.1658663, -0.1144285, -0.2837212, 0.3239977, 0.7189597, 0.3956973, 0, 0,
         0.3690075, 0.0203619, 0.2036522, -0.0865581, -0.0322916, 0.114563, -0.0300005, 0.0232747,
         -0.0927024, -0.2018525, -0.0970527, 0, -0.1217081, -3.500655),
    ),
    "heart failure": (
        (0.8998235, 0, 0, -0.4559771, 0.3576505, 1.038346, 0.583916, -0.0072294, 0.2997706,
         0.7451638, 0.0557087, 0.3534442, 0, -0.0981511, 0, 0, 0,
         -0.0946663, -0.3581041, -0.1159453, -0.003878, -0.1884289, -4.310409),
        (0.8972642, 0, 0, -0.6811466, 0.3634461, 0.923776, 0.5023736, -0.0485841, 0.3726929,
         0.6926917, 0.0251827, 0.2980922, 0, -0.0497731, 0, 0, 0,
         -0.1289201, -0.3040924, -0.1401688, 0.0068126, -0.1797778, -3.946391),
    ),
}  # fmt: skip


def _prevent(
    outcome: str,
    age: float,
    tc: float,
    hdl: float,
    bmi: float,
    sbp: float,
    on: float,
    statin: float,
    diabetes: float,
    smoker: float,
    egfr: float,
    female: float,
) -> float:
    a, n, h = (age - 55) / 10, (tc - hdl) * 0.02586 - 3.5, (hdl * 0.02586 - 1.3) / 0.3
    s = (max(sbp, 110) - 130) / 20
    large, failing = (max(bmi, 30) - 30) / 5, (min(egfr, 60) - 60) / -15
    x = [a, n, h, (min(sbp, 110) - 110) / 20, s, diabetes, smoker, (min(bmi, 30) - 25) / 5, large]
    x += [failing, (max(egfr, 60) - 90) / -15, on, statin, on * s, statin * n]
    x += [a * n, a * h, a * s, a * diabetes, a * smoker, a * large, a * failing, 1]
    return 1 / (1 + exp(-float(np.dot(PREVENT[outcome][0 if female else 1], x))))


def _prevent_lipids(outcome: str) -> Callable[..., float]:
    return lambda age, tc, hdl, *rest: _prevent(outcome, age, tc, hdl, 30.0, *rest)


def _prevent_heart_failure(
    age: float, bmi: float, sbp: float, on: float, diabetes: float, smoker: float, *rest: float
) -> float:
    return _prevent("heart failure", age, 0, 0, bmi, sbp, on, 0, diabetes, smoker, *rest)


def _meld_3(
    bilirubin: float, inr: float, creatinine: float, sodium: float, albumin: float, female: float
) -> float:
    b, i, c = (log(float(np.clip(x, 1, top))) for x, top in
               ((bilirubin, 1e9), (inr, 1e9), (creatinine, 3)))  # fmt: skip
    s, a = 137 - float(np.clip(sodium, 125, 137)), 3.5 - float(np.clip(albumin, 1.5, 3.5))
    return (
        (1.33 if female else 0) + 6 + (4.56 - 0.24 * s) * b + 0.82 * s
        + 9.09 * i + (11.14 - 1.83 * a) * c + 1.85 * a
    )  # fmt: skip


# ---- Body ----------------------------------------------------------------------------------------


def _boyd(weight: float, height: float) -> float:
    grams = weight * 1000
    return 3.207e-4 * height**0.3 * grams ** (0.7285 - 0.0188 * math.log10(grams))


# ---- Blood gases ---------------------------------------------------------------------------------


def _oxygen_pressure(saturation: float) -> float:
    """The real root of p^3 + 150*p = 23400*S/(1 - S)."""
    roots = np.roots([1, 0, 150, -23400 * saturation / (1 - saturation)])
    return float(roots[np.argmin(np.abs(roots.imag))].real)


# ---- Pharmacology and enzymes --------------------------------------------------------------------


def _hill(concentration: float, emax: float, ec50: float, n: float) -> float:
    return emax * concentration**n / (ec50**n + concentration**n)


def _logistic4(dose: float, top: float, bottom: float, ec50: float, slope: float) -> float:
    share = float(special.expit(-slope * log(dose / ec50))) if dose else 1.0
    return bottom + (top - bottom) * share


def _logistic5(
    dose: float, top: float, bottom: float, middle: float, slope: float, asymmetry: float
) -> float:
    share = float(special.expit(-slope * log(dose / middle))) if dose else 1.0
    return bottom + (top - bottom) * share**asymmetry


def _logistic5_inverse(
    response: float, top: float, bottom: float, middle: float, slope: float, asymmetry: float
) -> float:
    x = ((response - bottom) / (top - bottom)) ** (-1 / asymmetry) - 1
    return middle * x ** (1 / slope)


def _mixed(s: float, i: float, vmax: float, km: float, ki: float, ki_bound: float) -> float:
    return vmax * s / (km * (1 + i / ki) + s * (1 + i / ki_bound))


def _morrison(enzyme: float, inhibitor: float, uninhibited: float, ki: float) -> float:
    """The quadratic equation of the bound enzyme, in exact fractions but for the root."""
    e, i, k = Fraction(enzyme), Fraction(inhibitor), Fraction(ki)
    total = e + i + k
    square = total * total - 4 * e * i
    scale = 10**60
    root = Fraction(math.isqrt(int(square * scale * scale)), scale)
    return uninhibited * float(1 - (total - root) / 2 / e)


def _progress(time: float, s0: float, vmax: float, km: float) -> float:
    """km*W(y), with log(y) given: W by Halley's method from log(y), where exp would overflow."""
    log_y = log(s0 / km) + (s0 - vmax * time) / km
    if log_y < 500:
        return km * float(special.lambertw(exp(log_y)).real)
    w = log_y - log(log_y)
    for _ in range(40):
        w -= (w + log(w) - log_y) / (1 + 1 / w)
    return km * w


# ---- Genetics ------------------------------------------------------------------------------------


def _genotypes_chi2(n_aa: float, n_ab: float, n_bb: float) -> float:
    observed = [n_aa, n_ab, n_bb]
    n = sum(observed)
    p = (2 * n_aa + n_ab) / (2 * n)
    expected = [n * p * p, 2 * n * p * (1 - p), n * (1 - p) ** 2]
    return sum((o - e) ** 2 / e for o, e in zip(observed, expected, strict=True))


def exact_hardy_weinberg(n_aa: int, n_ab: int, n_bb: int) -> Fraction:
    """The sum over all numbers of heterozygotes, in exact whole numbers."""
    n, a = n_aa + n_ab + n_bb, 2 * n_aa + n_ab
    b = 2 * n - a

    def ways(h: int) -> int:
        return 2**h * math.comb(n, h) * math.comb(n - h, (a - h) // 2)

    every = [ways(h) for h in range(a % 2, min(a, b) + 1, 2)]
    return Fraction(sum(w for w in every if w <= ways(n_ab)), sum(every))


def _linkage(n_ab: float, n_a: float, n_b: float, n_o: float) -> tuple[float, float, float]:
    """D, and the frequencies of the first allele at each locus."""
    n = n_ab + n_a + n_b + n_o
    one, two = (n_ab + n_a) / n, (n_ab + n_b) / n
    return n_ab / n - one * two, one, two


def _d_prime(n_ab: float, n_a: float, n_b: float, n_o: float) -> float:
    d, p, q = _linkage(n_ab, n_a, n_b, n_o)
    if d > 0:
        return d / min(p * (1 - q), q * (1 - p))
    return d / min(p * q, (1 - p) * (1 - q))


def _r2(n_ab: float, n_a: float, n_b: float, n_o: float) -> float:
    d, p, q = _linkage(n_ab, n_a, n_b, n_o)
    return d * d / (p * (1 - p) * q * (1 - q))


def _inbreeding(n_aa: float, n_ab: float, n_bb: float) -> float:
    n = n_aa + n_ab + n_bb
    p = (n_aa + n_ab / 2) / n
    return 1 - (n_ab / n) / (2 * p * (1 - p))


def _fst_hudson(p: float, n: float, q: float, m: float) -> float:
    """1 less the heterozygosity within over that between."""
    within = (2 * p * (1 - p) * n / (n - 1) + 2 * q * (1 - q) * m / (m - 1)) / 2
    return 1 - within / (p * (1 - q) + q * (1 - p))


def _tajima_d(n: float, sites: float, pairwise: float) -> float:
    """By exact sums."""
    k = round(n)
    a1 = sum(Fraction(1, i) for i in range(1, k))
    a2 = sum(Fraction(1, i * i) for i in range(1, k))
    e1 = (Fraction(k + 1, 3 * (k - 1)) - 1 / a1) / a1
    b2 = Fraction(2 * (k * k + k + 3), 9 * k * (k - 1))
    e2 = (b2 - (k + 2) / (a1 * k) + a2 / a1**2) / (a1**2 + a2)
    s = Fraction(sites)
    return float(Fraction(pairwise) - s / a1) / sqrt(e1 * s + e2 * s * (s - 1))


# ---- Epidemiology --------------------------------------------------------------------------------


def _odds_end(sign: int) -> Callable[..., float]:
    def end(a: float, b: float, c: float, d: float, confidence: float) -> float:
        z = float(stats.norm.ppf((1 + confidence) / 2))
        return exp(log(a / b) - log(c / d) + sign * z * sqrt(sum(1 / n for n in (a, b, c, d))))

    return end


def _risk_end(sign: int) -> Callable[..., float]:
    def end(a: float, b: float, c: float, d: float, confidence: float) -> float:
        z = float(stats.norm.ppf((1 + confidence) / 2))
        error = sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))
        return exp(log(a / (a + b)) - log(c / (c + d)) + sign * z * error)

    return end


def _wilson_end(sign: int) -> Callable[..., float]:
    def end(successes: float, trials: float, confidence: float) -> float:
        z = float(stats.norm.ppf((1 + confidence) / 2))
        p = successes / trials
        centre = p + z * z / (2 * trials)
        spread = z * sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials))
        return (centre + sign * spread) / (1 + z * z / trials)

    return end


def _matthews(tp: float, fp: float, tn: float, fn: float) -> float:
    """From the four rates of the table and their complements."""
    right = [tp / (tp + fn), tn / (tn + fp), tp / (tp + fp), tn / (tn + fn)]
    return sqrt(math.prod(right)) - sqrt(math.prod(1 - rate for rate in right))


REFERENCES: dict[str, Callable[..., float]] = {
    "egfr_ckd_epi_2021": _ckd_epi_2021,
    "egfr_ckd_epi_2021_cystatin": _cystatin_2021,
    "egfr_ckd_epi_2012_cystatin": _cystatin_2012,
    "egfr_mdrd": _mdrd,
    "creatinine_clearance_cockcroft_gault": _cockcroft_gault,
    "egfr_schwartz_2009": lambda creatinine, height: 41.3 * (height / 100) / creatinine,
    "fractional_excretion_of_sodium": lambda una, pna, ucr, pcr: 100 * (una / pna) / (ucr / pcr),
    "ldl_friedewald": lambda tc, hdl, tg: tc - hdl - 0.2 * tg,
    "ldl_friedewald_si": lambda tc, hdl, tg: tc - hdl - tg / 2.2,
    "ldl_sampson": lambda tc, hdl, tg: (
        tc / 0.948 - hdl / 0.971 - (tg / 8.56 + tg * (tc - hdl) / 2140 - tg**2 / 16100) - 9.44
    ),
    "non_hdl_cholesterol": lambda tc, hdl: tc - hdl,
    "homa_ir": lambda glucose, insulin: glucose * insulin / 22.5,
    "homa_ir_mg_dl": lambda glucose, insulin: (glucose / 18) * insulin / 22.5,
    "homa_b": lambda glucose, insulin: 20 * insulin / (glucose - 3.5),
    "homa_b_mg_dl": lambda glucose, insulin: 20 * insulin / (glucose / 18 - 3.5),
    "quicki": lambda glucose, insulin: log(10) / log(glucose * insulin),
    "average_glucose": lambda hba1c: 28.7 * hba1c - 46.7,
    "hba1c_ngsp": lambda ifcc: 2.152 + 0.09148 * ifcc,
    "framingham_2008": _framingham,
    "framingham_2008_bmi": _framingham_bmi,
    "ascvd_2013": _ascvd,
    **{f"score2_{region}": _score2(region) for region in SCORE2_SCALES},
    "prevent_cvd": _prevent_lipids("cvd"),
    "prevent_ascvd": _prevent_lipids("ascvd"),
    "prevent_heart_failure": _prevent_heart_failure,
    "cha2ds2_vasc": lambda age, *points: (
        float(np.searchsorted([65, 75], age, side="right")) + sum(points) + points[4]
    ),
    "meld": lambda b, i, c: (
        10 * (0.378 * log(max(b, 1)) + 1.12 * log(max(i, 1)) + 0.957 * log(sorted((1, c, 4))[1]))
        + 6.43
    ),
    "meld_3": _meld_3,
    "fib4": lambda age, ast, alt, platelets: age * ast / platelets * alt**-0.5,
    "osmolality": lambda na, glucose, urea: 2 * na + 0.5 * glucose / 9 + urea * 5 / 14,
    "matthews_correlation": _matthews,
    "fst_hudson": _fst_hudson,
    "tajima_d": _tajima_d,
    "mean_arterial_pressure": lambda sbp, dbp: dbp + (sbp - dbp) / 3,
    "qtc_bazett": lambda qt, rr: qt * (rr / 1000) ** -0.5,
    "qtc_fridericia": lambda qt, rr: qt * (rr / 1000) ** (-1 / 3),
    "bmi": lambda weight, height: weight / height / height,
    "bsa_dubois": lambda weight, height: exp(
        log(0.007184) + 0.425 * log(weight) + 0.725 * log(height)
    ),
    "bsa_mosteller": lambda weight, height: sqrt(weight) * sqrt(height) / 60,
    "bsa_haycock": lambda weight, height: 0.024265 * weight**0.5378 * height**0.3964,
    "bsa_gehan_george": lambda weight, height: 0.0235 * weight**0.51456 * height**0.42246,
    "bsa_boyd": _boyd,
    "bsa_fujimoto": lambda weight, height: 0.008883 * weight**0.444 * height**0.663,
    "ideal_body_weight": lambda height, female: (
        (45.5 if female else 50.0) + 2.3 * (height - 152.4) / 2.54
    ),
    "energy_at_rest": lambda weight, height, age, female: (
        10 * weight + 6.25 * height - 5 * age + (-161 if female else 5)
    ),
    "anion_gap": lambda na, cl, hco3: na - (cl + hco3),
    "anion_gap_corrected": lambda na, cl, hco3, albumin: na - (cl + hco3) + (44 - albumin) / 4,
    "calcium_corrected": lambda calcium, albumin: calcium + 3.2 - 0.8 * albumin,
    "henderson_hasselbalch": lambda pka, base, acid: pka + math.log10(base) - math.log10(acid),
    "blood_ph": lambda hco3, pco2: 6.1 + math.log10(hco3) - math.log10(0.03 * pco2),
    "winters_pco2": lambda hco3: 8 + 3 * hco3 / 2,
    "oxygen_saturation": lambda p: 1 / (1 + 23400 / (p**3 + 150 * p)) if p else 0.0,
    "oxygen_pressure": _oxygen_pressure,
    "alveolar_oxygen": lambda f, p, c, r: f * (p - 47) - c / r,
    "hill": _hill,
    "hill_inverse": lambda y, emax, ec50, n: ec50 * exp(log(y / (emax - y)) / n),
    "logistic4": _logistic4,
    "logistic4_inverse": lambda y, top, bottom, ec50, slope: _logistic5_inverse(
        y, top, bottom, ec50, slope, 1.0
    ),
    "logistic5": _logistic5,
    "logistic5_inverse": _logistic5_inverse,
    "cheng_prusoff": lambda ic50, s, km: ic50 * km / (km + s),
    "gaddum": lambda a, b, emax, ec50, kb: _mixed(a, b, emax, ec50, kb, math.inf),
    "one_compartment_bolus": lambda dose, cl, v, t: dose / v * 2 ** (-t * cl / v / log(2)),
    "half_life": lambda cl, v: log(2) / (cl / v),
    "michaelis_menten": lambda s, vmax, km: _mixed(s, 0.0, vmax, km, 1.0, 1.0),
    "michaelis_menten_competitive": lambda s, i, vmax, km, ki: _mixed(s, i, vmax, km, ki, math.inf),
    "michaelis_menten_uncompetitive": lambda s, i, vmax, km, ki: _mixed(
        s, i, vmax, km, math.inf, ki
    ),
    "michaelis_menten_mixed": _mixed,
    "michaelis_menten_substrate_inhibition": lambda s, vmax, km, ki: (
        vmax / (km / s + 1 + s / ki) if s else 0.0
    ),
    "morrison": _morrison,
    "progress_curve": _progress,
    "jukes_cantor": lambda p: -0.75 * log(1 - 4 * p / 3),
    "jukes_cantor_inverse": lambda d: 0.75 * (1 - exp(-4 * d / 3)),
    "kimura": lambda p, q: -0.5 * log((1 - 2 * p - q) * sqrt(1 - 2 * q)),
    "haldane_distance": lambda r: -50 * log(1 - 2 * r),
    "haldane_recombination": lambda d: (1 - exp(-2 * d / 100)) / 2,
    "kosambi_distance": lambda r: 25 * log((1 + 2 * r) / (1 - 2 * r)),
    "kosambi_recombination": lambda d: (exp(d / 25) - 1) / (exp(d / 25) + 1) / 2,
    "lod": lambda r, n, theta: (r * log(theta) + (n - r) * log(1 - theta) + n * log(2)) / log(10),
    "hardy_weinberg_chi2": _genotypes_chi2,
    "hardy_weinberg_p_value": lambda aa, ab, bb: float(
        stats.chi2.sf(_genotypes_chi2(aa, ab, bb), 1)
    ),
    "hardy_weinberg_exact": lambda aa, ab, bb: float(
        exact_hardy_weinberg(round(aa), round(ab), round(bb))
    ),
    "inbreeding_coefficient": _inbreeding,
    "linkage_d": lambda ab, a, b, o: _linkage(ab, a, b, o)[0],
    "linkage_d_prime": _d_prime,
    "linkage_r2": _r2,
    "log_additive_odds_ratio": lambda beta, dosage: exp(beta) ** dosage,
    "log_additive_risk": lambda p, beta, dosage: float(
        special.expit(special.logit(p) + beta * dosage)
    ),
    "score_percentile": lambda x, mean, sd: 100 * float(stats.norm.cdf(x, mean, sd)),
    "score_at_percentile": lambda q, mean, sd: float(stats.norm.ppf(q / 100, mean, sd)),
    "allele_variance": lambda beta, f: 2 * (f - f * f) * beta * beta,
    "odds_ratio": lambda a, b, c, d: (a / b) / (c / d),
    "odds_ratio_low": _odds_end(-1),
    "odds_ratio_high": _odds_end(1),
    "risk_ratio": lambda a, b, c, d: (a / (a + b)) / (c / (c + d)),
    "risk_ratio_low": _risk_end(-1),
    "risk_ratio_high": _risk_end(1),
    "risk_difference": lambda a, b, c, d: (a * d - b * c) / ((a + b) * (c + d)),
    "number_needed_to_treat": lambda control, treated: (control - treated) ** -1,
    "attributable_fraction": lambda p, rr: 1 - 1 / (1 + p * (rr - 1)),
    "positive_predictive_value": lambda se, sp, p: 1 / (1 + (1 - sp) / se * (1 - p) / p),
    "negative_predictive_value": lambda se, sp, p: 1 / (1 + (1 - se) / sp * p / (1 - p)),
    "wilson_low": _wilson_end(-1),
    "wilson_high": _wilson_end(1),
    "normal_quantile": lambda p: float(special.ndtri(p)),
    "z_p_value": lambda z: 2 * float(stats.norm.sf(abs(z))),
    "chi2_p_value": lambda x: float(stats.chi2.sf(x, 1)),
    "wald_p_value": lambda b, se: 2 * float(stats.norm.sf(abs(b / se))),
}
