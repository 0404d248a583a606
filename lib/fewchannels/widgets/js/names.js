// Written from names.py by `python lib/fewchannels/widgets/bundle.py`.

export const ASKED = ["zero", "own_mean", "shuffle"];
export const SCORES = ["abs_mean", "mean_abs"];
