# Schedules: the learning rate as a function of the number of steps done before this one.
#
# Each grows linearly to `peak` over the first `warm_up` steps; `steps` is the step at which it has
# fallen to `final` times the peak.

linear_warm_up(step, peak, warm_up) = peak*(step + 1)/maximum(1, warm_up)

# The share of the way from step `start` to step `steps`, 0 to 1.
way_done(step, start, steps) = clip((step - start)/maximum(1, steps - start), 0, 1)

warm_up_constant(step, peak, warm_up) =
    where(step < warm_up, linear_warm_up(step, peak, warm_up), peak)

warm_up_linear(step, peak, warm_up, steps, final):
    falling = peak*(1 - (1 - final)*way_done(step, warm_up, steps))
    where(step < warm_up, linear_warm_up(step, peak, warm_up), falling)

# Half a cosine: Loshchilov and Hutter, SGDR (2017), equation 5, arXiv:1608.03983.
warm_up_cosine(step, peak, warm_up, steps, final):
    progress = minimum(1, (step - warm_up)/maximum(1, steps - warm_up))
    falling = peak*(final + (1 - final)*0.5*(1 + cos(pi*progress)))
    rising = peak*(step + 1)/maximum(1, warm_up)
    where(step < warm_up, rising, falling)

# Warm-up, stable, decay: Hu et al., MiniCPM (2024), section 4, arXiv:2404.06395. The rate falls
# along a line over the last `cooldown` share of all steps.
warm_up_stable_decay(step, peak, warm_up, steps, final, cooldown):
    start = maximum(warm_up, steps*(1 - cooldown))
    falling = peak*(1 - (1 - final)*way_done(step, start, steps))
    where(step < warm_up, linear_warm_up(step, peak, warm_up), falling)

# Vaswani et al., Attention Is All You Need (2017), equation 3, arXiv:1706.03762, whose factor
# d^-0.5 warm_up^-0.5 is the peak.
inverse_root(step, peak, warm_up):
    ends = maximum(1, warm_up)
    peak*minimum((step + 1)/ends, sqrt(ends/(step + 1)))
