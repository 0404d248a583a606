"""One function a figure: arrays in, a figure out. No model is seen here.

    figure = plots.scores_by_rank(scores[layer], k=8)          # a matplotlib Figure
    figure = plots.explore_depth_heatmap(scores, layers)       # a plotly Figure, for what wants to be hovered over

Figures are drawn narrow with large type, so that the same picture can be read on a phone (390 px) and on a desk. The
colours keep their meaning through the book (`style.PALETTE`): the palette is Okabe and Ito's, safe for colour-blind
readers, and maps are "cividis" where one end is nothing and "PuOr" where zero is the middle.
"""

from .answers import chosen, expected_obtained, number_line
from .charts import (
    concentration_by_depth,
    depth_heatmap,
    growth_over_steps,
    overlap_matrix,
    score_disagreement,
    scores_by_rank,
)
from .compared import before_after, lines, twins
from .diagram import Drawing, block_diagram
from .effects import curves, dots, frontier, replicates, table_of_numbers
from .interactive import explore_depth_heatmap, explore_score_disagreement
from .panels import MASK_VIEWS, coloured, mask_views, outlined, panels_of_numbers
from .pictures import channel_maps, images_grid
from .rows import claim_rows, images_rows, map_rows
from .style import DIVERGING, PALETTE, SEQUENTIAL, use_style
from .towers import growth_over_training, skyline

__all__ = [
    "DIVERGING",
    "MASK_VIEWS",
    "PALETTE",
    "SEQUENTIAL",
    "Drawing",
    "before_after",
    "block_diagram",
    "channel_maps",
    "chosen",
    "claim_rows",
    "coloured",
    "concentration_by_depth",
    "curves",
    "depth_heatmap",
    "dots",
    "expected_obtained",
    "explore_depth_heatmap",
    "explore_score_disagreement",
    "frontier",
    "growth_over_steps",
    "growth_over_training",
    "images_grid",
    "images_rows",
    "lines",
    "map_rows",
    "mask_views",
    "number_line",
    "outlined",
    "overlap_matrix",
    "panels_of_numbers",
    "replicates",
    "score_disagreement",
    "scores_by_rank",
    "skyline",
    "table_of_numbers",
    "twins",
    "use_style",
]
