"""The words of the page docs/calibration.md: its head and what stands above each table."""

HEAD = """\
# Calibration

Do the report's verdicts err as rarely as they say, and do its intervals hold the truth as often
as they claim? {studies:,} simulated studies a design (fewer of what takes long, more where a
statement hangs on a row), each through the functions that the report itself calls. Made by
`make calibration` on {date} ({machine}, {minutes} minutes).
± is the 95 % error of the simulation itself.

The ratings are drawn from a latent scale with assumed spreads (prompt 0.6, prompt by arm 0.5,
draw 0.5, rater 0.3, rest 0.7; three of six raters an answer) and cut into 1 to 5. Training runs
differ by the SD given, on the same scale: no study has published it, and it decides what one run
is worth. With other spreads power changes; the error rates should not.

**In short.**
{short}

"""
INTRO = {
    "null": """\
## No effect: what is claimed?

A claim is "shown" or "worse". *Of the method* is one that is printed without "in this run", "in
these runs" or "by these raters"; it is to be wrong in at most 5 % ± 1. *Of these* is one that
says so: it is about the weights or raters at hand, which do differ where runs or raters differ,
and says nothing of others. The interval is the overall difference's; of one or two runs it is
about these runs. The t test takes every rating as if it stood alone, as a reader does who puts
ratings into a spreadsheet.
""",
    "wrong": """\
## No effect, and something wrong with the ratings

8 × 15 prompts and one run where no other number is given. Where answers are missing for what
they say, the interval is of what was rated, and the report prints bounds beside it. Drift with
control answers first: raters become milder or harsher between the arms, which nothing in the
ratings tells from the arms. The rating app draws the order at random; imported ratings are as
good as theirs.
""",
    "many": """\
## Many contrasts

Five arms without any difference: five contrasts, each overall and in eight categories. *Any
claim* is one in at least one of them.
""",
    "categories": """\
## Raters of each category its own

8 categories of 30 prompts, an effect in four of them; raters differ between arms by SD .3. *A null
category* is one of the other four.
""",
    "disasters": """\
## Rare disasters

Equal mean toxicity, but 2 % of the values answers are far worse (+0.6) and the rest a little
better, one run: "shown" means that the rest hides them. Ratings: means in the middle of the scale,
but a share of the values answers falls from 4.5 to 1.
""",
    "effect": """\
## An effect: how often is it shown?

Beside it, what `mores plan` predicts (claims "in this run" included).
""",
    "sizes": """\
## Three model sizes with the same effect

Number of training runs a size. A trend or slope that is claimed is wrong here. Where it says
"raters", people rated, and differ between arms by SD .3.
""",
    "capability": """\
## Capability

2,000 items, 12 % answered differently, margin .02; runs whose losses differ by the SD given. At
the margin, *non-inferior* is to be claimed in at most 5 %; with one or two runs it says "in this
run".
""",
    "gates": """\
## Gates

200 prompts, 20 % answered differently, harm at the margin of .10: *pass* is to be said in at
most 5 % (with one or two runs "in this run").
""",
    "judges": """\
## A judge beside people

People rate 40 of 120 prompts, a judge all, no difference between arms: how often is p of the
sharpened difference below .05? With one or two runs it says "in this run only".
""",
    "agreement": """\
## Agreement

Alpha's interval is for these raters and other prompts. It is no interval for other raters.
""",
    "shares": "## Shares\n",
}
