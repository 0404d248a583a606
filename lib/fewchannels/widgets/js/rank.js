// Ranking of one row of scores inside a long array: the row starts at `start` and has `width` values.

// Indices of the `count` largest values, largest first; of equal values the lower index comes first.
export function largest(values, start, width, count) {
  const kept = [];
  for (let i = 0; i < width; i++) {
    const value = values[start + i];
    if (kept.length === count && !(value > values[start + kept[count - 1]])) continue;
    let place = kept.length;
    while (place > 0 && value > values[start + kept[place - 1]]) place--;
    kept.splice(place, 0, i);
    if (kept.length > count) kept.pop();
  }
  return kept;
}

// 1 for the largest; consistent with `largest`.
export function rankOf(values, start, width, index) {
  const value = values[start + index];
  let rank = 1;
  for (let i = 0; i < width; i++) {
    const other = values[start + i];
    if (other > value || (other === value && i < index)) rank++;
  }
  return rank;
}

export function median(values, start, width) {
  const row = values.slice(start, start + width).sort();
  const middle = width >> 1;
  return width % 2 ? row[middle] : (row[middle - 1] + row[middle]) / 2;
}

export function total(values, start, width) {
  let sum = 0;
  for (let i = 0; i < width; i++) sum += values[start + i];
  return sum;
}
