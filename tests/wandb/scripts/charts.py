"""Logs charts of wandb.plot and reads back what they are made of."""

import json
import pathlib

import wandb

with wandb.init(project="charts", id="charts") as run:
    table = wandb.Table(data=[[1, 2], [3, 4]], columns=["x", "y"])
    run.log({"line": wandb.plot.line(table, "x", "y", title="A line")})
    own = wandb.plot_table("me/own-chart", table, {"x": "x"}, {"title": "Own"})
    run.log({"own": own})

run = wandb.Api().run("charts/charts")
charts = run.rawconfig["_wandb"]["visualize"]
line = charts["line"]["panel_config"]
assert line["panelDefId"] == "wandb/line/v0", line
assert line["fieldSettings"]["x"] == "x" and line["stringSettings"]["title"] == "A line", line
assert charts["own"]["panel_config"]["panelDefId"] == "me/own-chart", charts["own"]
for key in ["line_table", "own_table"]:
    kept = run.summary[key]
    assert kept["_type"] == "table-file" and kept["nrows"] == 2, kept
    path = pathlib.Path(run.file(kept["path"]).download(root=key).name)
    rows = json.loads(path.read_text())
    assert (rows["columns"], rows["data"]) == (["x", "y"], [[1, 2], [3, 4]]), rows
