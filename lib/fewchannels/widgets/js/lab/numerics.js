// What the second reader counts with: quantiles, a plane's waves, the longest axis of a cloud of points.

// As numpy.quantile, between its two neighbours.
export function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  return sorted[low] + (place - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}

// The values of a square plane whose row and column lie in [from, to).
export function linesOf(plane, side, from, to) {
  return Array.from(plane).filter((_, i) => i % side >= from && i % side < to && Math.floor(i / side) >= from && Math.floor(i / side) < to);
}

// One pass over all rows, written as columns; two passes are the plane's transform.
function rowsTurned(re, im, side, sign) {
  const [outRe, outIm] = [new Float64Array(re.length), new Float64Array(re.length)];
  const cos = Float64Array.from({ length: side }, (_, i) => Math.cos((2 * Math.PI * i) / side));
  const sin = Float64Array.from({ length: side }, (_, i) => sign * Math.sin((2 * Math.PI * i) / side));
  for (let row = 0; row < side; row++) {
    for (let f = 0; f < side; f++) {
      let [a, b] = [0, 0];
      for (let x = 0; x < side; x++) {
        const turn = (f * x) % side;
        const at = row * side + x;
        a += re[at] * cos[turn] - im[at] * sin[turn];
        b += re[at] * sin[turn] + im[at] * cos[turn];
      }
      outRe[f * side + row] = a;
      outIm[f * side + row] = b;
    }
  }
  return [outRe, outIm];
}

// The discrete Fourier transform of a square plane: { re, im }.
export function planeFft(plane, side) {
  const [re, im] = rowsTurned(...rowsTurned(plane, new Float64Array(plane.length), side, -1), side, -1);
  return { re, im };
}

// Its inverse's real part.
export function planeInverse({ re, im }, side) {
  const [out] = rowsTurned(...rowsTurned(re, im, side, 1), side, 1);
  return out.map((value) => value / out.length);
}

// The direction in which points [n][3] spread most, by Jacobi's rotations of their 3 x 3 moments.
export function topAxis(points) {
  const m = [0, 1, 2].map((i) => [0, 1, 2].map((j) => points.reduce((sum, p) => sum + p[i] * p[j], 0)));
  const axes = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
  for (let round = 0; round < 30; round++) {
    for (const [p, q] of [[0, 1], [0, 2], [1, 2]]) {
      if (Math.abs(m[p][q]) < 1e-12 * (Math.abs(m[p][p]) + Math.abs(m[q][q]) + 1e-300)) continue;
      const half = 0.5 * Math.atan2(2 * m[p][q], m[q][q] - m[p][p]);
      const [c, s] = [Math.cos(half), Math.sin(half)];
      for (let k = 0; k < 3; k++) [m[k][p], m[k][q]] = [c * m[k][p] - s * m[k][q], s * m[k][p] + c * m[k][q]];
      for (let k = 0; k < 3; k++) [m[p][k], m[q][k]] = [c * m[p][k] - s * m[q][k], s * m[p][k] + c * m[q][k]];
      for (let k = 0; k < 3; k++) [axes[k][p], axes[k][q]] = [c * axes[k][p] - s * axes[k][q], s * axes[k][p] + c * axes[k][q]];
    }
  }
  const most = [0, 1, 2].reduce((best, i) => (m[i][i] > m[best][best] ? i : best), 0);
  return axes.map((row) => row[most]);
}

// values less the plane that fits them best over their places [[row, column], ...].
export function withoutSlope(values, places) {
  const rows = places.map(([y, x]) => [1, y, x]);
  const a = [0, 1, 2].map((i) => [...[0, 1, 2].map((j) => rows.reduce((sum, row) => sum + row[i] * row[j], 0)), rows.reduce((sum, row, n) => sum + row[i] * values[n], 0)]);
  for (let i = 0; i < 3; i++) {
    const pivot = [i, i + 1, i + 2].filter((k) => k < 3).reduce((best, k) => (Math.abs(a[k][i]) > Math.abs(a[best][i]) ? k : best), i);
    [a[i], a[pivot]] = [a[pivot], a[i]];
    if (Math.abs(a[i][i]) < 1e-12) continue;
    for (let k = 0; k < 3; k++) {
      if (k === i) continue;
      const share = a[k][i] / a[i][i];
      for (let j = i; j < 4; j++) a[k][j] -= share * a[i][j];
    }
  }
  const found = [0, 1, 2].map((i) => (Math.abs(a[i][i]) < 1e-12 ? 0 : a[i][3] / a[i][i]));
  return values.map((value, n) => value - found[0] - found[1] * rows[n][1] - found[2] * rows[n][2]);
}
