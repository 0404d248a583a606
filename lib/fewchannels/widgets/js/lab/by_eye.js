// The second reader in the page: toyworld/by_eye.py, rule by rule. Colours to segments, segments to background and
// subjects; no network. tests/widgets/test_live_lab.py holds its answers to Python's on a hundred pictures.

import { linesOf, planeFft, planeInverse, quantile, topAxis, withoutSlope } from "./numerics.js";

const SIDE = 48;
const COUNT = SIDE * SIDE;
export const READ = {
  shapes: ["circle", "square", "triangle", "star", "heart", "ring", "cross", "moon"],
  colours: ["red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "white", "black"],
  positions: ["left", "right", "center", "top", "bottom"],
};
const RGB = [
  [214, 40, 40], [242, 140, 20], [244, 220, 60], [50, 150, 60], [80, 215, 215],
  [40, 70, 200], [130, 50, 165], [245, 140, 185], [242, 242, 242], [28, 28, 30],
];
const TINTS = RGB.map((c) => c.map((v) => ((c[0] + c[1] + c[2]) / 3 > 128 ? v * 0.72 : v + (255 - v) * 0.3)));
const DIRECTION = { left: [-1, 0], right: [1, 0], center: [0, 0], top: [0, -1], bottom: [0, 1] };
const OFFSET = { small: 12, large: 10.5, huge: 6 };
const CLUSTERS = 7;
const PATCH = 0.022;
const LARGE = 0.08;
const LARGE_IN_TONE = 0.1;
const HUGE = 0.25;
const EDGES = Array.from({ length: 21 }, (_, i) => -1.3 + 0.13 * i);
const LIGHT = Array.from({ length: 8 }, (_, i) => 0.84 + (0.35 * i) / 7);

const squareOf = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
const sumOf = (mask) => mask.reduce((sum, value) => sum + value, 0);
const lowestOf = (values) => values.reduce((best, value, i) => (value < values[best] ? i : best), 0);

// RGBA bytes [48, 48, 4] -> { subjects: [{ size, colour, shape, position }], texture, background, second }
export function readByEye(rgba) {
  const image = new Float64Array(3 * COUNT);
  for (let i = 0; i < COUNT; i++) for (let c = 0; c < 3; c++) image[3 * i + c] = rgba[4 * i + c];
  const { labels, centres } = segmentsOf(image);
  const ground = groundOf(labels, centres.length);
  const found = subjectsIn(labels, centres, ground, 16 * paleness(image));
  const free = new Uint8Array(COUNT).fill(1);
  for (const { mask } of found) mask.forEach((inside, i) => inside && (free[i] = 0));
  const [texture, background, second] = sceneOf(image, labels, centres, ground, free);
  let told = found.map(({ mask, inTone }) => ({ mask, subject: described(mask, image, background, second, inTone) }));
  told.sort((a, b) => READ.positions.indexOf(a.subject.position) - READ.positions.indexOf(b.subject.position));
  if (told.length === 2 && told[0].subject.position === told[1].subject.position) {
    told = [sumOf(told[1].mask) > sumOf(told[0].mask) ? told[1] : told[0]]; // two parts of one
  }
  return { subjects: told.map(({ subject }) => subject), texture, background, second };
}

function smoothed(image) {
  const apart = [];
  for (let y = 1; y < SIDE - 1; y++) {
    for (let x = 1; x < SIDE - 1; x++) {
      for (let c = 0; c < 3; c++) {
        const at = 3 * (y * SIDE + x) + c;
        apart.push(Math.abs(2 * image[at] - image[at - 3] - image[at + 3]));
      }
    }
  }
  const deviation = quantile(apart, 0.5) / (0.6745 * Math.sqrt(6));
  const passes = [5, 14, 28, 45].filter((bound) => bound < deviation).length;
  let out = image;
  for (let pass = 0; pass < passes; pass++) {
    for (const step of [SIDE, 1]) {
      const now = new Float64Array(3 * COUNT);
      for (let i = 0; i < COUNT; i++) {
        const along = step === 1 ? i % SIDE : Math.floor(i / SIDE);
        const [low, high] = [along ? i - step : i, along < SIDE - 1 ? i + step : i];
        for (let c = 0; c < 3; c++) now[3 * i + c] = Math.fround(0.25 * out[3 * low + c] + 0.5 * out[3 * i + c] + 0.25 * out[3 * high + c]);
      }
      out = now;
    }
  }
  return { soft: out, left: deviation * [1, 0.375, 0.27, 0.22, 0.19][passes], reach: passes };
}

// By how much less than usual a picture's colours differ, from 0.3 to 1.
function paleness(pixels) {
  let spread = 0;
  for (let c = 0; c < 3; c++) {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < COUNT; i++) sum += pixels[3 * i + c];
    for (let i = 0; i < COUNT; i++) squares += (pixels[3 * i + c] - sum / COUNT) ** 2;
    spread += squares / COUNT;
  }
  return Math.min(1, Math.max(0.3, Math.sqrt(spread) / 60));
}

const pixel = (pixels, i) => [pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]];

function nearestCentres(x, centres) {
  const labels = new Uint8Array(COUNT);
  const sizes = centres.map((c) => c[0] * c[0] + c[1] * c[1] + c[2] * c[2]);
  for (let i = 0; i < COUNT; i++) {
    let best = Infinity;
    for (let j = 0; j < centres.length; j++) {
      const c = centres[j];
      const far = sizes[j] - 2 * (x[3 * i] * c[0] + x[3 * i + 1] * c[1] + x[3 * i + 2] * c[2]);
      if (far < best) [best, labels[i]] = [far, j];
    }
  }
  return labels;
}

function segmentsOf(image) {
  const { soft, left, reach } = smoothed(image);
  const middle = [0, 0, 0];
  for (let i = 0; i < COUNT; i++) for (let c = 0; c < 3; c++) middle[c] += soft[3 * i + c] / COUNT;
  let centres = [middle];
  const far = new Float64Array(COUNT).fill(Infinity);
  while (centres.length < CLUSTERS) {
    const last = centres[centres.length - 1];
    let most = 0;
    for (let i = 0; i < COUNT; i++) {
      far[i] = Math.min(far[i], Math.fround(squareOf(pixel(soft, i), last)));
      if (far[i] > far[most]) most = i;
    }
    centres.push(pixel(soft, most));
  }
  const least = Math.max(13 * paleness(soft), 3.5 * left);
  for (let step = 0; step < 4 + CLUSTERS; step++) {
    const labels = nearestCentres(soft, centres);
    const sizes = centres.map(() => 0);
    const sums = centres.map(() => [0, 0, 0]);
    labels.forEach((j, i) => {
      sizes[j]++;
      for (let c = 0; c < 3; c++) sums[j][c] += soft[3 * i + c];
    });
    centres = sums.map((sum, j) => sum.map((value) => value / Math.max(sizes[j], 1)));
    if (step < 3) continue;
    const weak = weakestOf(soft, labels, centres, sizes, least, 3 + reach);
    if (weak === null) break;
    centres.splice(weak, 1);
  }
  return { labels: nearestCentres(soft, centres), centres };
}

// The smallest of those colours that are no segment of their own, or null.
function weakestOf(soft, labels, centres, sizes, least, reach) {
  const count = centres.length;
  if (count === 1) return null;
  const flat = new Uint8Array(COUNT);
  const pure = centres.map((_, j) => {
    const hot = labels.map((label) => (label === j ? 1 : 0));
    const near = boxSums(hot, 1);
    let sum = 0;
    hot.forEach((inside, i) => {
      if (!inside || near[i] < 7) return;
      flat[i] = 1;
      sum++;
    });
    return sum;
  });
  const length = centres.map((a, i) => centres.map((b, j) => Math.sqrt(squareOf(a, b)) + (i === j ? 1e9 : 0)));
  const edge = centres.map(() => new Float64Array(count));
  const pairs = centres.map(() => new Float64Array(count));
  for (const step of [SIDE, 1]) {
    for (let i = 0; i < COUNT; i++) {
      const along = step === 1 ? i % SIDE : Math.floor(i / SIDE);
      const other = i + reach * step;
      if (along >= SIDE - reach || !flat[i] || !flat[other] || labels[i] === labels[other]) continue;
      const [a, b] = [labels[i], labels[other]];
      let sum = 0;
      for (let c = 0; c < 3; c++) sum += (soft[3 * i + c] - soft[3 * other + c]) * (centres[a][c] - centres[b][c]);
      edge[a][b] += sum / length[a][b];
      pairs[a][b]++;
    }
  }
  let found = null;
  for (let i = 0; i < count; i++) {
    const same = (j) => {
      const [e, p] = [edge[i][j] + edge[j][i], pairs[i][j] + pairs[j][i]];
      return length[i][j] < least || (p > 12 && e < 0.5 * length[i][j] * p);
    };
    const smaller = (j) => sizes[i] < sizes[j] || (sizes[i] === sizes[j] && i > j);
    const weak = sizes[i] < 12 || pure[i] < 0.2 * sizes[i] || centres.some((_, j) => same(j) && smaller(j));
    if (weak && (found === null || sizes[i] < sizes[found])) found = i;
  }
  return found;
}

// Sums over squares of 2 reach + 1 px, nothing beyond the edge.
function boxSums(plane, reach) {
  const rows = new Float64Array(COUNT);
  const out = new Float64Array(COUNT);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      for (let u = Math.max(0, x - reach); u <= Math.min(SIDE - 1, x + reach); u++) rows[y * SIDE + x] += plane[y * SIDE + u];
    }
  }
  for (let y = 0; y < SIDE; y++) {
    for (let v = Math.max(0, y - reach); v <= Math.min(SIDE - 1, y + reach); v++) {
      for (let x = 0; x < SIDE; x++) out[y * SIDE + x] += rows[v * SIDE + x];
    }
  }
  return out;
}

// What lies in a strip along each side: functions of a pixel's place.
const sidesOf = (wide) => [(x, y) => y < wide, (x, y) => y >= SIDE - wide, (x) => x < wide, (x) => x >= SIDE - wide];

function groundOf(labels, count) {
  const share = sidesOf(3).map((inside) => {
    const counts = new Float64Array(count);
    labels.forEach((j, i) => inside(i % SIDE, Math.floor(i / SIDE)) && counts[j]++);
    return counts.map((n) => n / (3 * SIDE));
  });
  const mean = Array.from({ length: count }, (_, j) => share.reduce((sum, side) => sum + side[j], 0) / 4);
  const order = mean.map((_, j) => j).sort((a, b) => mean[b] - mean[a] || a - b);
  const second = order.slice(1, 2).filter((j) => share.map((side) => side[j]).sort((a, b) => a - b)[1] > 0.07);
  return [order[0], ...second];
}

function subjectsIn(labels, colours, ground, least, margin = 4) {
  const found = [];
  const tones = ground.map((j) => colours[j]);
  const lit = tones.flatMap((tone) => LIGHT.map((light) => tone.map((value) => light * value)));
  for (let j = 0; j < colours.length; j++) {
    let mask = labels.map((label) => (label === j ? 1 : 0));
    let most = 0.55;
    const inTone = ground.includes(j);
    if (inTone) {
      if (tones.length === 1 || toneNames(...tones).length === 1) continue;
      mask = thickerThan(mask, margin);
      most = 0;
    } else if (isMixture(colours[j], tones, least) || Math.sqrt(Math.min(...lit.map((tone) => squareOf(tone, colours[j])))) < least) {
      continue;
    }
    let part = grownFrom(mask);
    if (sumOf(part) <= most * sumOf(mask)) {
      const inner = boxSums(boxSums(mask, 1).map((value) => (value >= 8 ? 1 : 0)), 1); // edges of the pattern are thin
      mask = mask.map((inside, i) => (inside && inner[i] > 0 ? 1 : 0));
      part = grownFrom(mask);
    }
    const near = boxSums(part, 1);
    const size = sumOf(part);
    const thick = part.reduce((sum, inside, i) => sum + (inside && near[i] >= 8 ? 1 : 0), 0);
    if (size / COUNT >= PATCH && size > most * sumOf(mask) && thick > 0.2 * size) found.push({ mask: part, inTone });
  }
  if (!found.length && margin > 1) return subjectsIn(labels, colours, ground, least, 1);
  return found.sort((a, b) => sumOf(b.mask) - sumOf(a.mask)).slice(0, 2);
}

function thickerThan(mask, margin) {
  const width = boxSums(mask, 3).map((value, i) => value * mask[i]);
  const sides = sidesOf(8).map((inside) => width.reduce((most, value, i) => (inside(i % SIDE, Math.floor(i / SIDE)) ? Math.max(most, value) : most), 0));
  const bound = Math.min(46, sides.sort((a, b) => a - b)[1] + margin);
  const near = boxSums(width.map((value) => (value > bound ? 1 : 0)), 2);
  return mask.map((inside, i) => (inside && near[i] > 0 ? 1 : 0));
}

function isMixture(colour, tones, least) {
  if (tones.length === 1) return false;
  const step = tones[1].map((value, c) => value - tones[0][c]);
  const size = step.reduce((sum, value) => sum + value * value, 0);
  const part = step.reduce((sum, value, c) => sum + value * (colour[c] - tones[0][c]), 0) / Math.max(1e-6, size);
  const rest = step.map((value, c) => tones[0][c] + part * value);
  return part > 0.15 && part < 0.85 && Math.sqrt(squareOf(colour, rest)) < least;
}

function grownFrom(mask) {
  const dense = boxSums(mask, 2).map((value, i) => value * mask[i]);
  let part = new Uint8Array(COUNT);
  part[dense.reduce((best, value, i) => (value > dense[best] ? i : best), 0)] = mask.some(Boolean) ? 1 : 0;
  for (let round = 0; round < SIDE; round++) {
    const near = boxSums(part, 1);
    const wider = mask.map((inside, i) => (inside && near[i] > 0 ? 1 : 0));
    const same = wider.every((value, i) => value === part[i]);
    part = Uint8Array.from(wider);
    if (same) break;
  }
  return part;
}

let waves;

// Of each frequency: which of across, down and the two diagonals it belongs to.
function wavesOf() {
  if (waves) return waves;
  waves = Array.from({ length: 4 }, () => new Uint8Array(COUNT));
  for (let i = 0; i < COUNT; i++) {
    const [u, v] = [i % SIDE, Math.floor(i / SIDE)].map((f) => (f < SIDE / 2 ? f : f - SIDE));
    const radius = Math.hypot(u, v);
    if (radius <= 4.4 || radius >= 7.6) continue;
    const turned = Math.abs(Math.atan2(v, u));
    const angle = Math.min(turned, Math.PI - turned);
    if (angle < 0.42) waves[0][i] = 1;
    if (angle > Math.PI / 2 - 0.42) waves[1][i] = 1;
    if (Math.abs(angle - Math.PI / 4) < 0.36 && u * v > 0) waves[2][i] = 1;
    if (Math.abs(angle - Math.PI / 4) < 0.36 && u * v < 0) waves[3][i] = 1;
  }
  return waves;
}

function sceneOf(image, labels, colours, ground, free) {
  const near = boxSums(free.map((value) => 1 - value), 1);
  const where = Array.from({ length: COUNT }, (_, i) => i).filter((i) => near[i] === 0);
  const tones = ground.map((j) => colours[j]);
  if (where.length < 100) return ["plain", READ.colours[nearestColour(tones[0])], null];
  const middle = [0, 1, 2].map((c) => where.reduce((sum, i) => sum + image[3 * i + c], 0) / where.length);
  const x = where.map((i) => middle.map((value, c) => image[3 * i + c] - value));
  let axis;
  if (ground.length === 2) {
    const apart = tones[1].map((value, c) => value - tones[0][c]);
    const size = Math.max(1e-6, Math.hypot(...apart));
    axis = apart.map((value) => value / size);
  } else axis = topAxis(x);
  const along = x.map((row) => row[0] * axis[0] + row[1] * axis[1] + row[2] * axis[2]);
  const plane = new Float64Array(COUNT);
  withoutSlope(along, where.map((i) => [Math.floor(i / SIDE), i % SIDE])).forEach((value, n) => (plane[where[n]] = value));
  const spectrum = planeFft(plane, SIDE);
  const power = spectrum.re.map((re, i) => (re * re + spectrum.im[i] * spectrum.im[i]) / (where.length / COUNT));
  const kinds = wavesOf();
  const [across, down, ...cross] = kinds.map((kind) => power.reduce((most, value, i) => (kind[i] ? Math.max(most, value) : most), -Infinity));
  const rest = quantile(linesOf(power, SIDE, 8, 40), 0.5);
  if (Math.max(across, down, ...cross) < 16 * rest + 3e7) return ["plain", READ.colours[nearestColour(middle)], null];
  const texture = Math.max(...cross) > Math.max(across, down) ? "checkered" : down > 0.25 * across ? "dotted" : "striped";
  let [a, b] = [null, null];
  if (ground.length === 2) {
    [a, b] = tones;
    const count = (j) => where.reduce((sum, i) => sum + (labels[i] === j ? 1 : 0), 0);
    if (texture === "dotted" && count(ground[1]) > count(ground[0])) [a, b] = [b, a];
  } else {
    for (let i = 0; i < COUNT; i++) if (!kinds.some((kind) => kind[i])) spectrum.re[i] = spectrum.im[i] = 0;
    const pattern = planeInverse(spectrum, SIDE);
    const bound = quantile(where.map((i) => Math.abs(pattern[i])), 0.4);
    const meanWhere = (sign) => {
      const inside = where.filter((i) => sign * pattern[i] > bound);
      return [0, 1, 2].map((c) => inside.reduce((sum, i) => sum + image[3 * i + c], 0) / inside.length);
    };
    [a, b] = [meanWhere(1), meanWhere(-1)];
    const sharper = (tone, other) => tone.map((value, c) => value + 0.25 * (value - other[c])); // grain made them alike
    [a, b] = [sharper(a, b), sharper(b, a)];
    if (texture === "dotted" && where.reduce((sum, i) => sum + pattern[i] ** 3, 0) > 0) [a, b] = [b, a];
  }
  const two = toneNames(a, b);
  if (two.length === 1) return [texture, READ.colours[two[0]], null];
  if (texture !== "dotted") two.sort((p, q) => p - q);
  return [texture, READ.colours[two[0]], READ.colours[two[1]]];
}

// Two tones as one colour of the palette with its tint, or as two: places in the palette.
function toneNames(a, b) {
  const far = (tone, palette) => palette.map((colour) => squareOf(tone, colour));
  const [a0, a1, b0, b1] = [far(a, RGB), far(a, TINTS), far(b, RGB), far(b, TINTS)];
  const tonal = a0.map((_, i) => Math.min(a0[i] + b1[i], b0[i] + a1[i]));
  const two = [lowestOf(a0), lowestOf(b0)];
  const one = two[0] === two[1] || Math.min(...tonal) < Math.min(...a0) + Math.min(...b0);
  return one ? [lowestOf(tonal)] : two;
}

function nearestColour(colour, but = null) {
  return lowestOf(RGB.map((own, i) => (i === but ? Infinity : squareOf(own, colour))));
}

function described(mask, image, background, second, inTone) {
  const where = Array.from({ length: COUNT }, (_, i) => i).filter((i) => mask[i]);
  const share = where.length / COUNT;
  const size = share > HUGE ? "huge" : share > (inTone ? LARGE_IN_TONE : LARGE) ? "large" : "small";
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const middle = [mean(where.map((i) => i % SIDE)) - (SIDE - 1) / 2, mean(where.map((i) => Math.floor(i / SIDE))) - (SIDE - 1) / 2];
  const places = READ.positions.map((name) => DIRECTION[name].map((value) => value * OFFSET[size]));
  const position = READ.positions[lowestOf(places.map(([x, y]) => (x - middle[0]) ** 2 + (y - middle[1]) ** 2))];
  const depth = boxSums(mask, 2);
  const bound = quantile(where.map((i) => depth[i]), 0.6);
  const inside = where.filter((i) => depth[i] >= bound);
  const inner = [0, 1, 2].map((c) => mean(inside.map((i) => image[3 * i + c])));
  const colour = READ.colours[nearestColour(inner, second ? null : READ.colours.indexOf(background))];
  return { size, colour, shape: shapeOf(mask), position };
}

const box = (x, y, wide, high) => Math.max(Math.abs(x) - wide, Math.abs(y) - high);

// Signed distances at unit size, as toyworld/scenes.py has them.
const OUTLINES = {
  circle: (x, y) => Math.hypot(x, y) - 1,
  square: (x, y) => box(x, y, 1, 1),
  triangle: (x, y) => Math.max(y - 0.5, (Math.sqrt(3) / 2) * Math.abs(x) - 0.5 * y - 0.5),
  star(x, y) {
    const fifth = (2 * Math.PI) / 5;
    const turned = (Math.atan2(x, -y) + Math.PI / 5) % fifth;
    const sector = Math.abs((turned < 0 ? turned + fifth : turned) - Math.PI / 5);
    const radius = Math.hypot(x, y);
    const [nx, ny] = [0.56 * Math.sin(Math.PI / 5), 1 - 0.56 * Math.cos(Math.PI / 5)];
    return ((radius * Math.cos(sector) - 1) * nx + radius * Math.sin(sector) * ny) / Math.hypot(nx, ny);
  },
  heart(x, y) {
    const [u, v] = [(x + y - 0.22) / Math.SQRT2, (y - 0.22 - x) / Math.SQRT2];
    return Math.min(box(u, v, 0.5, 0.5), Math.min(Math.hypot(u, v + 0.5), Math.hypot(u + 0.5, v)) - 0.5);
  },
  ring: (x, y) => Math.abs(Math.hypot(x, y) - 0.72) - 0.28,
  cross: (x, y) => Math.min(box(x, y, 1, 0.36), box(x, y, 0.36, 1)),
  moon: (x, y) => Math.max(Math.hypot(x - 0.32, y + 0.1) - 1, 0.8 - Math.hypot(x - 0.94, y + 0.3)),
};

let templates;

// Outlines of unit area around their centre: for each shape, 75 pictures of -1 and 1, turned, moved and scaled.
function templatesOf() {
  if (templates) return templates;
  const moves = [[0, 0], [0.1, 0], [-0.1, 0], [0, 0.1], [0, -0.1]];
  templates = READ.shapes.map((shape) => {
    const outline = OUTLINES[shape];
    let [count, cx, cy] = [0, 0, 0];
    for (let i = 0; i < 321; i++) {
      for (let j = 0; j < 321; j++) {
        const [x, y] = [-1.6 + j / 100, -1.6 + i / 100];
        if (outline(x, y) < 0) [count, cx, cy] = [count + 1, cx + x, cy + y];
      }
    }
    const unit = Math.sqrt(count / 321 ** 2) * 3.2;
    return [-0.25, -0.125, 0, 0.125, 0.25].flatMap((turn) =>
      [0.92, 1, 1.1].flatMap((scale) =>
        moves.map(([dx, dy]) => {
          const [s, c] = [Math.sin(turn), Math.cos(turn)];
          return Int8Array.from({ length: EDGES.length ** 2 }, (_, i) => {
            const p = ((EDGES[i % EDGES.length] - dx) * unit) / scale;
            const q = ((EDGES[Math.floor(i / EDGES.length)] - dy) * unit) / scale;
            return outline(cx / count + p * c + q * s, cy / count - p * s + q * c) < 0 ? 1 : -1;
          });
        }),
      ),
    );
  });
  return templates;
}

// As numpy.rint rounds.
function evenRound(value) {
  const low = Math.floor(value);
  return value - low === 0.5 ? low + (low & 1) : Math.round(value);
}

function shapeOf(mask) {
  let [count, sx, sy] = [0, 0, 0];
  mask.forEach((inside, i) => inside && ([count, sx, sy] = [count + 1, sx + (i % SIDE), sy + Math.floor(i / SIDE)]));
  const scale = Math.sqrt(count);
  const [rows, columns] = [sy / count, sx / count].map((middle) => EDGES.map((edge) => evenRound(middle + edge * scale)));
  const sampled = rows.flatMap((y) => columns.map((x) => (y < 0 || y >= SIDE || x < 0 || x >= SIDE ? 0 : mask[y * SIDE + x] ? 1 : -1)));
  const fits = templatesOf().map((own) => Math.max(...own.map((outline) => outline.reduce((sum, value, i) => sum + value * sampled[i], 0))));
  return READ.shapes[lowestOf(fits.map((fit) => -fit))];
}
