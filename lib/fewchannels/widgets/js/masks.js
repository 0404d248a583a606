// The subject's mask from a few channels, by the protocol of masks/ (subjects.py, two_means.py): each map scaled to 0..1,
// K-means with K = 2 on the tokens, and of the two clusters the one that holds fewer tokens of the picture's edge.

const MAX_ITERATIONS = 100;
const POWER_ITERATIONS = 8;
// The draws of two_means.py for seed 0 and three further starts, numpy.random.default_rng(0).random((3, 2)): with the
// same starts both languages find the same clusters.
const DRAWS = [
  [0.6369616873214543, 0.2697867137638703],
  [0.04097352393619469, 0.016527635528529094],
  [0.8132702392002724, 0.9127555772777217],
];

// maps: k arrays of N values -> Float64Array [N, k], each map scaled to 0..1 over its tokens (a constant one to 0).
export function scaledVectors(maps) {
  const count = maps[0].length;
  const vectors = new Float64Array(count * maps.length);
  maps.forEach((values, c) => {
    let low = Infinity;
    let high = -Infinity;
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    const span = high - low;
    if (span > 0) for (let i = 0; i < count; i++) vectors[i * maps.length + c] = (values[i] - low) / span;
  });
  return vectors;
}

// Labels of N points of k numbers, Uint8Array of 0 and 1, or null where no two points differ.
export function twoMeans(vectors, k) {
  const count = vectors.length / k;
  const centred = new Float64Array(vectors);
  for (let c = 0; c < k; c++) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += vectors[i * k + c];
    for (let i = 0; i < count; i++) centred[i * k + c] -= sum / count;
  }
  let distinct = false;
  for (let i = k; i < vectors.length && !distinct; i++) distinct = vectors[i] !== vectors[i % k];
  if (!distinct) return null;
  let best = null;
  for (const start of starts(centred, k, count)) {
    const found = lloyd(centred, k, count, start);
    if (!best || found.gain > best.gain) best = found;
  }
  return best.labels;
}

// The split along the first principal axis, then k-means++.
function starts(x, k, count) {
  const squares = new Float64Array(count);
  let far = 0;
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < k; c++) squares[i] += x[i * k + c] * x[i * k + c];
    if (squares[i] > squares[far]) far = i;
  }
  let axis = x.slice(far * k, far * k + k);
  for (let round = 0; round < POWER_ITERATIONS; round++) {
    const size = Math.sqrt(dot(axis, 0, axis, 0, k));
    for (let c = 0; c < k; c++) axis[c] /= size;
    const next = new Float64Array(k);
    for (let i = 0; i < count; i++) {
      const along = dot(x, i * k, axis, 0, k);
      for (let c = 0; c < k; c++) next[c] += along * x[i * k + c];
    }
    axis = next;
  }
  const found = [splitBy(x, k, count, axis, 0)];
  for (const [first, second] of DRAWS) {
    const a = Math.floor(first * count);
    const reach = new Float64Array(count);
    let sum = 0;
    for (let i = 0; i < count; i++) {
      sum += Math.max(0, squares[i] - 2 * dot(x, i * k, x, a * k, k) + squares[a]);
      reach[i] = sum;
    }
    let b = 0;
    while (b < count - 1 && reach[b] < second * sum) b++;
    const plane = new Float64Array(k);
    for (let c = 0; c < k; c++) plane[c] = x[b * k + c] - x[a * k + c];
    found.push(splitBy(x, k, count, plane, (squares[b] - squares[a]) / 2));
  }
  return found;
}

function lloyd(x, k, count, labels) {
  let gain = 0;
  const total = new Float64Array(k);
  const plane = new Float64Array(k);
  for (let round = 0; round < MAX_ITERATIONS; round++) {
    total.fill(0);
    let members = 0;
    for (let i = 0; i < count; i++) {
      if (!labels[i]) continue;
      members++;
      for (let c = 0; c < k; c++) total[c] += x[i * k + c];
    }
    const here = Math.max(members, 1e-9);
    const there = Math.max(count - here, 1e-9);
    const size = dot(total, 0, total, 0, k);
    gain = size / here + size / there; // the points are centred: the other cluster's sum is the negative
    for (let c = 0; c < k; c++) plane[c] = total[c] / here + total[c] / there;
    const next = splitBy(x, k, count, plane, (size / here ** 2 - size / there ** 2) / 2);
    let moved = false;
    for (let i = 0; i < count && !moved; i++) moved = next[i] !== labels[i];
    labels = next;
    if (!moved) break;
  }
  return { labels, gain };
}

function splitBy(x, k, count, plane, offset) {
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) labels[i] = dot(x, i * k, plane, 0, k) > offset ? 1 : 0;
  return labels;
}

function dot(a, from, b, there, k) {
  let sum = 0;
  for (let c = 0; c < k; c++) sum += a[from + c] * b[there + c];
  return sum;
}

// maps: k arrays of h * w values -> { mask: Uint8Array, share } or null where the maps tell no two tokens apart.
export function subjectMask(maps, height, width) {
  const k = maps.length;
  const vectors = scaledVectors(maps);
  const labels = twoMeans(vectors, k);
  if (!labels) return null;
  const sums = [0, 0];
  const counts = [0, 0];
  for (let i = 0; i < labels.length; i++) {
    counts[labels[i]]++;
    for (let c = 0; c < k; c++) sums[labels[i]] += vectors[i * k + c];
  }
  // of equal shares of the edge, the cluster with the larger summed map
  const larger = sums[1] / Math.max(counts[1], 1) > sums[0] / Math.max(counts[0], 1) ? 1 : 0;
  let edge = 0;
  let onEdge = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (y > 0 && y < height - 1 && x > 0 && x < width - 1) continue;
      edge++;
      if (labels[y * width + x] === larger) onEdge++;
    }
  }
  const subject = onEdge / edge > 0.5 ? 1 - larger : larger;
  const mask = labels.map((label) => (label === subject ? 1 : 0));
  return { mask, share: counts[subject] / labels.length };
}
