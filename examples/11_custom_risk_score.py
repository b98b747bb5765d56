"""A risk score of one's own, with a solve in it. Run: python examples/11_custom_risk_score.py."""

import flux

RISK = """
_habits = where(smoker == "yes", 0.71, 0)
risk = 1/(1 + exp(9.2 - 0.062*age - 0.021*pressure - _habits))
goal = root(0.062*age + 0.021*p + _habits - 9.2 - log(0.1/0.9), p, 60, 260)  # where risk is 10%
"""
people = {"age": [52, 64, 71], "pressure": [128, 151, None], "smoker": ["no", "yes", "no"]}
scores, report = flux.score(people, RISK, ranges={"pressure": (70, 250)}, report=True)
for risk, goal, status in zip(scores["risk"], scores["goal"], scores["goal_status"], strict=True):
    print(f"risk {risk:.1%}; 10% at {goal:.0f} mmHg ({status})")
print(report)
assert scores["risk"][:2].round(3).tolist() == [0.036, 0.206]

at_goal = {**people, "pressure": scores["goal"]}
assert all(abs(flux.score(at_goal, RISK, names="risk")["risk"] - 0.1) < 1e-12)
assert report.missing["pressure"].first == 2
