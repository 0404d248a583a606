// What a reading says, in words.

// As toyworld/prompts.py: format_prompt.
export function sentenceOf({ subjects, texture, background, second }) {
  const named = subjects.map((s) => `a ${s.size} ${s.colour} ${s.shape} at the ${s.position}`).join(" and ");
  return `${named || "nothing"} on a ${texture} ${background}${second ? ` and ${second}` : ""} background`;
}

// What two readings differ in: names of `word.NAME` in strings.js.
export function wordsChanged(before, after) {
  const names = [];
  if (before.subjects.length !== after.subjects.length) names.push("number");
  else {
    for (const part of ["size", "colour", "shape", "position"]) {
      if (before.subjects.some((subject, i) => subject[part] !== after.subjects[i][part])) names.push(part);
    }
  }
  if (before.texture !== after.texture) names.push("texture");
  if (before.background !== after.background || before.second !== after.second) names.push("background");
  return names;
}
