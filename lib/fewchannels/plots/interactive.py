"""Plotly figures, where hovering tells more than ink can: which channel is that, and how large is it?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .charts import disagreement_kinds
from .style import FAINT, INK, expect

MARKERS = {".": "circle", "o": "circle", "^": "triangle-up", "s": "square"}


def explore_depth_heatmap(
    scores: np.ndarray, layers: Sequence[str] | None = None, label: str = "score", title: str = ""
) -> Any:
    """Channels along, depth down, as a plotly figure: scores [L, D]. Hovering names block, channel, score and rank."""
    import plotly.graph_objects as go

    scores = expect("scores", scores, 2, "[L, D], layers and channels")
    names = [str(n) for n in layers] if layers is not None else [f"block {i}" for i in range(len(scores))]
    if len(names) != len(scores):
        raise ValueError(f"{len(names)} layer names for {len(scores)} layers")
    floor = max(np.quantile(scores, 0.05), scores.max() * 1e-6, np.finfo(float).tiny)
    logs = np.log10(np.clip(scores, floor, None)).astype(np.float32)
    rank = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1, kind="stable") + 1
    ticks = np.arange(np.ceil(logs.min()), np.floor(logs.max()) + 1)
    figure = go.Figure(
        go.Heatmap(
            # ndarrays of small types travel as base64 and not as text
            z=logs,
            customdata=np.stack([scores, rank], axis=-1).astype(np.float32),
            y0=0,
            dy=1,
            colorscale="Cividis",
            hovertemplate=f"block %{{y}}, channel %{{x}}<br>{literal(label)} %{{customdata[0]:.3g}}, "
            "rank %{customdata[1]}<extra></extra>",
            colorbar={
                "title": {"text": literal(label), "side": "right"},
                "thickness": 12,
                "tickvals": ticks,
                "ticktext": [f"{10.0**t:g}" for t in ticks],
            },
        )
    )
    figure.update_layout(_layout(title, 200 + min(20 * len(scores), 400)))
    figure.update_xaxes(title="channel", showgrid=False, zeroline=False)
    figure.update_yaxes(title="block", autorange="reversed", showgrid=False, zeroline=False, tickformat="d")
    return figure


def explore_score_disagreement(abs_mean: np.ndarray, mean_abs: np.ndarray, k: int = 8, title: str = "") -> Any:
    """The two scores of each channel against each other, as a plotly figure: both [D]. Hovering names the channel."""
    import plotly.graph_objects as go

    x = expect("mean_abs", mean_abs, 1, "[D], the channels of one layer")
    y = expect("abs_mean", abs_mean, 1, "[D], the channels of one layer")
    if x.shape != y.shape:
        raise ValueError(f"abs_mean {y.shape} and mean_abs {x.shape} are not of the same channels")
    low = float(max(np.quantile(y, 0.02), x.max() * 1e-5))
    figure = go.Figure()
    figure.add_scatter(
        x=[low, float(x.max())],
        y=[low, float(x.max())],
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        line={"color": FAINT, "dash": "dash", "width": 1},
    )
    for name, (chosen, colour, marker) in disagreement_kinds(y, x, k).items():
        if chosen.any():
            figure.add_scatter(
                x=x[chosen].astype(np.float32),
                y=np.clip(y[chosen], low, None).astype(np.float32),
                mode="markers",
                customdata=np.flatnonzero(chosen),
                name=f"{name} ({chosen.sum()})",
                marker={"color": colour, "symbol": MARKERS[marker], "size": 5 if marker == "." else 8},
                hovertemplate="channel %{customdata}<br>mean of |x| %{x:.3g}<br>|mean of x| %{y:.3g}<extra></extra>",
            )
    figure.update_layout(_layout(title, 460))
    figure.update_xaxes(title="mean of |x|", type="log", dtick=1)
    figure.update_yaxes(title="|mean of x|", type="log", dtick=1)
    return figure


def literal(text: str) -> str:
    """The text as plotly shows it as it stands: no formula, no tag and no field of a template."""
    return str(text).translate({ord(c): f"&#{ord(c)};" for c in "&<>${"})


def _layout(title: str, height: int) -> dict[str, Any]:
    # template "none" spares 6 kB a figure; the legend lies below, where a phone has room
    return {
        "template": "none",
        "height": height,
        "autosize": True,
        "font": {"size": 14, "color": INK},
        "margin": {"l": 60, "r": 10, "t": 40 if title else 15, "b": 55},
        "title": {"text": literal(title), "font": {"size": 15}},
        "legend": {"orientation": "h", "y": -0.2},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
    }
