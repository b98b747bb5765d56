"""A network that learns XOR, from five lines of mathematics. Run: python examples/01_xor.py."""

import numpy as np

import flux

module = flux.load_text("""
model xor[h](x[b, i], y[b]):
    param W[i, h], out[h] ~ normal(0, 1)
    param c[h], d = 0
    hidden = tanh(sum[i](x*W) + c)
    logit = sum[h](hidden*out) + d
    loss = mean[b](binary_cross_entropy(logit, y))
""")
x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([0, 1, 1, 0])

model = flux.Model(module["xor"].build(), sizes={"i": 2, "h": 4}, seed=0)
trainer = flux.Trainer(model, optimizer="adamw", data={"x": x, "y": y}, learning_rate=0.05)
loss = trainer.run(500)
print(model.parameters.table())
print(f"loss after {trainer.step} steps: {loss:.4f}")

answers = model.evaluate("logit", x=x) > 0
print("answers:", answers.astype(int))
assert loss < 0.05
assert (answers == y).all()
