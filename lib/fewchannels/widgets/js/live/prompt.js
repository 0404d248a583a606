// Words to numbers: the toy world's tokenizer and text encoder, and the grammar's own errors.
// grammar: the word lists of toyworld/prompts.py, as they come with the weights: { vocabulary, shapes, colours, sizes,
// positions, textures, sentence }; ids: the tokenizer's numbers, word -> id.

export class PromptError extends Error {}

const BLANK = /[\s\x1c-\x1f\x85]+/u;

function wordsOf(prompt) {
  return prompt.toLowerCase().split(BLANK).filter((word) => word);
}

// Raises PromptError for a word outside the vocabulary, and for more than two shapes.
export function checkWords(prompt, { vocabulary, shapes, sentence }) {
  const words = wordsOf(prompt);
  for (const word of words) {
    if (vocabulary.includes(word)) continue;
    const near = nearest(word, vocabulary);
    const hint = near ? `the nearest word the toy world knows is ${quote(near)}` : "the toy world knows none like it";
    throw new PromptError(
      `unknown word ${quote(word)} in the prompt ${quote(prompt)}; ${hint}. It knows: ${vocabulary.join(", ")}`
    );
  }
  const named = words.filter((word) => shapes.includes(word));
  if (named.length > 2) {
    throw new PromptError(
      `the prompt ${quote(prompt)} names ${named.length} subjects (${named.join(", ")}); a scene of the toy world has ` +
        `at most two: expected ${sentence}`
    );
  }
}

// What a sentence asks for: { subjects: [{ size, colour, shape, position }], texture, background, second }; null for
// known words that are no sentence of the grammar. Raises PromptError as checkWords does.
export function parsePrompt(prompt, grammar) {
  checkWords(prompt, grammar);
  const { sizes, colours, shapes, positions, textures } = grammar;
  const one = (words) => `(${words.join("|")})`;
  const subject = new RegExp(`^a ${one(sizes)} ${one(colours)} ${one(shapes)} at the ${one(positions)}$`);
  const ground = new RegExp(`^${one(textures)} ${one(colours)}(?: and ${one(colours)})? background$`);
  const text = wordsOf(prompt).join(" ");
  const cut = text.lastIndexOf(" on a ");
  const found = cut < 0 ? null : ground.exec(text.slice(cut + 6));
  const head = text.slice(0, Math.max(cut, 0));
  const subjects = head === "nothing" ? [] : head.split(/ and (?=a )/).map((part) => subject.exec(part));
  if (!found || subjects.includes(null)) return null;
  return {
    subjects: subjects.map(([, size, colour, shape, position]) => ({ size, colour, shape, position })),
    texture: found[1],
    background: found[2],
    second: found[3] || null,
  };
}

// Word plus place, and their mean over all places: { states [words, D], pooled [D] }.
export class WordEncoder {
  constructor(weights, config, ids) {
    this.words = weights.values("words.weight");
    this.places = weights.values("places.weight");
    Object.assign(this, { ids, width: config.width, length: config.max_tokens });
  }

  encode(prompt, grammar) {
    checkWords(prompt, grammar);
    const words = wordsOf(prompt);
    const { width, length } = this;
    if (words.length > length) {
      throw new PromptError(
        `the prompt ${quote(prompt)} has ${words.length} words; the toy world reads at most ${length}`
      );
    }
    const states = new Float32Array(length * width);
    const sums = new Float64Array(width);
    for (let place = 0; place < length; place++) {
      const id = place < words.length ? this.ids[words[place]] : this.ids["<pad>"];
      for (let i = 0; i < width; i++) {
        states[place * width + i] = this.words[id * width + i] + this.places[place * width + i];
        sums[i] += states[place * width + i];
      }
    }
    return { states, pooled: Float32Array.from(sums, (sum) => sum / length) };
  }
}

// As Python's repr writes it.
function quote(text) {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const plain = text.replace(/[\\]/g, "\\\\").replace(/\n/g, "\\n").replace(/\t/g, "\\t").replace(/\r/g, "\\r");
  return mark + (mark === "'" ? plain.replace(/'/g, "\\'") : plain) + mark;
}

// Python's difflib.get_close_matches(word, known, n=1), or undefined.
function nearest(word, known) {
  const scored = known.map((other) => [(2 * matching(other, word)) / (other.length + word.length), other]);
  const near = scored.filter(([score]) => score >= 0.6);
  return near.sort(([a, x], [b, y]) => b - a || (x < y ? 1 : -1)).map(([, other]) => other)[0];
}

// Letters in common: the longest common piece, the earliest of those, and the same on both sides of it.
function matching(a, b) {
  let [best, i, j] = [0, 0, 0];
  for (let x = 0; x < a.length; x++) {
    for (let y = 0; y < b.length; y++) {
      let size = 0;
      while (x + size < a.length && y + size < b.length && a[x + size] === b[y + size]) size++;
      if (size > best) [best, i, j] = [size, x, y];
    }
  }
  if (!best) return 0;
  return best + matching(a.slice(0, i), b.slice(0, j)) + matching(a.slice(i + best), b.slice(j + best));
}
