// From noise to latents: the flow's Euler steps, what is edited on the way, and what is kept of it.

import { Arena } from "./arena.js";
import { Autoencoder } from "./autoencoder.js";
import { Edits } from "./edits.js";
import { free } from "./free.js";
import { WordEncoder } from "./prompt.js";
import { noise } from "./random.js";
import { Weights } from "./safetensors.js";
import { Transformer } from "./transformer.js";

const MOST_STEPS = 64;
const ROOM = 3_000_000; // floats for activations
const KEPT = 32; // steps whose hidden states are kept of untouched runs, 0.66 MB each; of the last run in any case

export class Sampler {
  // files: { transformer, vae, text_encoder } as bytes of safetensors; about: { configs, ids, grammar } as they were cut
  constructor(files, about, { kernels = "fused" } = {}) {
    const bytes = Object.values(files).reduce((sum, file) => sum + file.byteLength, 0);
    this.arena = new Arena(bytes / 2 + ROOM, kernels);
    const { transformer, vae, text_encoder: words } = about.configs;
    const open = (name, arena) => new Weights(files[name], arena, name);
    this.grammar = about.grammar;
    this.words = new WordEncoder(open("text_encoder", this.arena), words, about.ids);
    this.transformer = new Transformer(open("transformer", this.arena), transformer, this.arena, words.max_tokens, MOST_STEPS);
    this.autoencoder = new Autoencoder(open("vae", this.arena), vae, this.arena, transformer.sample_size);
    this.runs = new Map(); // what was drawn untouched, the latest last
  }

  get shape() {
    const { blocks, width, tokens, channels } = this.transformer;
    return { blocks, width, tokens, channels };
  }

  // Draws one picture. given: { prompt, seed, sample, steps, edits, latents, clean }: as fc's model.generate and
  // fc.ablate take them (edits.js); latents [channels, tokens]: start noise of one's own; clean: latents of a picture
  // that each step is handed anew, noised to its level, as fewchannels.edits.inversion.renoised does.
  //
  // watch(step): what is seen after each step, { step, steps, latents, estimate, levels, states }; pause(): awaited
  // between steps; wanted(): whether the run is still to go on; bare: without hidden states, which nobody wants to see.
  // -> a Run, or null where it was not wanted any more. Who looks into its hidden states later than now has to hold it.
  async draw(given, { watch = () => {}, pause = async () => {}, wanted = () => true, bare = false } = {}) {
    const { prompt, seed = 0, sample = 0, steps = 16 } = given;
    if (!Number.isInteger(steps) || steps < 1 || steps > MOST_STEPS) {
      throw new Error(`steps=${steps}: expected a whole number from 1 to ${MOST_STEPS}`);
    }
    const { tokens, channels } = this.transformer;
    const embedded = this.words.encode(prompt, this.grammar);
    const start = given.latents ? Float32Array.from(given.latents) : noise(seed, sample, channels * tokens);
    if (start.length !== channels * tokens) throw new Error(`latents of ${start.length} numbers: expected ${channels * tokens}`);
    const edits = new Edits(given.edits || [], { ...this.shape, steps });
    const held = []; // other runs that this one needs until it is drawn
    const hold = (run) => held.push(run.hold());
    let run = null;
    let whole = false;
    try {
      for (const edit of edits.moved()) {
        const source = await this._untouched({ steps, seed, sample, ...edit.source }, { pause, wanted });
        if (!source) return null;
        hold(source);
        edit.from = source;
      }
      const key = runKey({ ...given, seed, sample, steps });
      const known = this.runs.get(key);
      if (known) {
        hold(known);
        this._keep(key, known);
      }
      if (known && edits.first >= steps) {
        for (let step = 0; step < steps; step++) watch(known.at(step));
        return known;
      }
      run = new Run({ ...this.shape, steps, start, bare: bare && edits.first < steps });
      const begin = known ? edits.first : 0;
      if (known) run.continue(known, begin);
      let begun = false;
      for (let step = 0; step < steps; step++) {
        if (step >= begin) {
          await pause();
          if (!wanted()) return null;
          if (!begun || this.last !== run) {
            this.transformer.begin(embedded, run.sigmas.slice(0, steps)); // another run may have been between
            [begun, this.last] = [true, run];
          }
          this._step(run, step, edits, given.clean, start);
        }
        watch(run.at(step));
      }
      run.change = edits.change();
      if (edits.first >= steps) this._keep(key, run);
      whole = true;
      return run;
    } finally {
      for (const other of held) other.leave();
      if (run && !whole) run.hold().leave();
    }
  }

  _step(run, step, edits, clean, start) {
    const { blocks, tokens, width } = this.shape;
    const latents = run.latents[step];
    const states = run.states?.[step];
    const velocity = this.transformer.velocity(latents, step, {
      after: (block, values) => {
        edits.after(block, step, values);
        states?.set(values, block * tokens * width);
        run.levels[step].set(this.transformer.levels(), block * width);
      },
      reads: (block) => edits.reads(block, step),
      read: (block, norm, sized, values) => edits.read(block, step, norm, sized, values),
    });
    const [sigma, next] = [run.sigmas[step], run.sigmas[step + 1]];
    const change = Math.fround(next - sigma);
    for (let i = 0; i < latents.length; i++) {
      run.estimates[step][i] = latents[i] - sigma * velocity[i];
      run.latents[step + 1][i] = clean
        ? Math.fround(Math.fround(1 - next) * clean[i]) + Math.fround(next * start[i])
        : latents[i] + Math.fround(change * velocity[i]);
    }
  }

  // The run without edits, which a transport takes from; drawn where it is not kept.
  async _untouched(given, callbacks) {
    return this.draw({ ...given, edits: [] }, callbacks);
  }

  _keep(key, run) {
    const known = this.runs.get(key);
    if (known !== run) {
      known?.leave();
      run.hold();
    }
    this.runs.delete(key); // the latest is the last
    this.runs.set(key, run);
    let steps = [...this.runs.values()].reduce((sum, one) => sum + one.steps, 0);
    for (const [old, one] of this.runs) {
      if (steps <= KEPT || this.runs.size === 1) break;
      steps -= one.steps;
      this.runs.delete(old);
      one.leave();
    }
  }
}

function runKey({ prompt, seed, sample, steps, latents, clean }) {
  const own = (values) => (values ? Array.from(values) : null);
  return JSON.stringify([prompt.toLowerCase().split(/\s+/), seed, sample, steps, own(latents), own(clean)]);
}

// What a run leaves: latents [steps + 1], estimates [steps] of the clean picture, hidden states [steps] of every block,
// levels [steps] of every block and channel (|mean over the picture's tokens|), and change [steps * blocks], the norm of
// what edits changed over the norm of what they found, NaN where nothing was edited.
//
// The hidden states are large, 10.6 MB for 16 steps. When the last of those who hold a run leaves it, they are given
// back at once, and the run has none any more; all else of it stays.
export class Run {
  constructor({ blocks, width, tokens, channels, steps, start, bare = false }) {
    Object.assign(this, { blocks, width, tokens, steps, held: 0 });
    const each = (count, size) => Array.from({ length: count }, () => new Float32Array(size));
    // as FlowMatchEulerDiscreteScheduler holds the noise levels that the pipeline sets, and 0 at the end
    this.sigmas = Float32Array.from({ length: steps + 1 }, (_, i) => (i < steps ? 1 - i / steps : 0));
    this.latents = [start, ...each(steps, channels * tokens)];
    this.estimates = each(steps, channels * tokens);
    const size = blocks * tokens * width;
    const states = new Float32Array(bare ? 0 : steps * size); // as one, which goes back to the system once it is free
    this.states = bare ? null : Array.from({ length: steps }, (_, step) => states.subarray(step * size, (step + 1) * size));
    this.levels = each(steps, blocks * width);
    this.change = null;
  }

  hold() {
    this.held++;
    return this;
  }

  leave() {
    if (--this.held || !this.states) return;
    free(this.states[0].buffer);
    this.states = null;
  }

  // The hidden states. Throws an Error where they were given back.
  kept() {
    if (!this.states) throw new Error("The hidden states of this run are no longer kept: draw it again.");
    return this.states;
  }

  // The steps before `step` are those of another run; the hidden states are copied, since that run may lose its own.
  continue(run, step) {
    for (const name of ["estimates", "levels"]) this[name].splice(0, step, ...run[name].slice(0, step));
    this.latents.splice(0, step + 1, ...run.latents.slice(0, step + 1));
    for (let i = 0; this.states && i < step; i++) this.states[i].set(run.states[i]);
  }

  // One channel over the picture's tokens, written into `into` from place `at` on.
  map(step, block, channel, into = new Float32Array(this.tokens), at = 0) {
    const { tokens, width } = this;
    const states = this.kept()[step];
    const from = block * tokens * width + channel;
    for (let i = 0; i < tokens; i++) into[at + i] = states[from + i * width];
    return into;
  }

  at(step) {
    return { step, steps: this.steps, run: this, levels: this.levels[step], estimate: this.estimates[step] };
  }
}
