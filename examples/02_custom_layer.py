"""A layer of one's own, and its printed gradient. Run: python examples/02_custom_layer.py."""

import numpy as np

import flux

module = flux.load_text("""
# A gated linear unit: Dauphin et al., Language Modeling with Gated Convolutional Networks (2017).
layer gated[d, f](x[d]):
    param V[d, f], W[d, f] ~ normal(0, 0.5)
    sum[d](x*V)*sigmoid(sum[d](x*W))

model regression[d, f](x[b, d], y[b, f]):
    loss = mean[b, f]((gated(x) - y)^2)
""")
graph = module["regression"].build()
gradients = graph.result.gradient([parameter.input for parameter in graph.parameters])
for parameter, gradient in zip(graph.parameters, gradients, strict=True):
    print(f"# the derivative of the loss by {parameter.path}")
    print(gradient.simplify(), "\n")

model = flux.Model(graph, sizes={"d": 3, "f": 2}, seed=0, dtype="float64")
random = np.random.default_rng(0)
batch = {"x": random.normal(size=(5, 3)), "y": random.normal(size=(5, 2))}
found = model.gradient(**batch)["gated.V"]

V, step = model.parameters["gated.V"], 1e-6
V[1, 0] += step
above = model.evaluate("loss", **batch)
V[1, 0] -= 2 * step
below = model.evaluate("loss", **batch)
difference = (above - below) / (2 * step)
print(f"by V[1, 0]: {found[1, 0]:.8f}, by differences: {difference:.8f}")
assert np.isclose(found[1, 0], difference, rtol=1e-6)
