"""Fitting: the parameters of a model that are nearest to data, with what is known about them."""

from flux.numeric.fitting.bands import Band, Estimate
from flux.numeric.fitting.entry import fit
from flux.numeric.fitting.profile import Profile, ProfileEnd
from flux.numeric.fitting.reasons import FitReason
from flux.numeric.fitting.result import Fit

__all__ = ["Band", "Estimate", "Fit", "FitReason", "Profile", "ProfileEnd", "fit"]
