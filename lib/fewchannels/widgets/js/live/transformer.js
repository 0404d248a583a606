// A diffusion transformer in a few hundred lines of JavaScript, to be read in a sitting: this file is the network, and
// kernels.ts its arithmetic. Around them: safetensors.js (the weights), prompt.js (words to numbers), random.js (the
// noise), autoencoder.js (latents to pictures), sampler.js (from noise to latents), edits.js (what a reader changes on
// the way). Nothing else takes part, and tests/widgets/test_live.py holds all of it to PyTorch's results.
//
// The network is Stable Diffusion 3's MMDiT (Esser et al., 2024, arXiv 2403.03206; diffusers' SD3Transformer2DModel),
// one token a latent. Two streams, the picture's tokens and the words', have weights of their own and attend to each
// other in every block:
//
//     x += gate1 * out(attention(norm(x)))        norm: layer norm, then scale and shift
//     x += gate2 * mlp(norm(x))                   scale, shift, gate: from the noise level and the whole prompt
//
// Between two blocks stands the hidden state x [tokens, channels], and there, or where a norm reads it, an edit may
// change it: a plain function on a Float32Array.

const EPSILON = 1e-6;
const FREQUENCIES = 128;

export class Transformer {
  // config: the transformer's own; words: how many tokens a prompt has; most: the most steps of a run
  constructor(weights, config, arena, words, most) {
    if (config.patch_size !== 1 || config.pos_embed_max_size !== config.sample_size || config.qk_norm !== "rms_norm") {
      throw new Error("the transformer is not of the toy world's kind: one token a latent, SD3 with RMS-normed queries");
    }
    Object.assign(this, { arena, words, most });
    this.blocks = config.num_layers;
    this.heads = config.num_attention_heads;
    this.headWidth = config.attention_head_dim;
    this.width = this.heads * this.headWidth;
    this.channels = config.in_channels;
    this.tokens = config.sample_size ** 2;
    const all = this.tokens + words;
    if (all % 8 || this.headWidth % 8) throw new Error(`${all} tokens in heads of ${this.headWidth}: expected multiples of 8`);
    this._read(weights);
    const room = (rows, columns) => arena.place(rows * columns);
    this.zeros = arena.place(Math.max(4 * this.width, all));
    this.image = room(this.tokens, this.width); // the hidden states, between blocks and within
    this.text = room(words, this.width);
    this.embedded = room(words, this.width);
    this.latents = room(this.tokens, this.channels);
    this.normed = room(all, this.width);
    this.qkv = room(all, 3 * this.width);
    this.attended = room(all, this.width);
    this.hidden = room(all, 4 * this.width);
    this.update = room(all, this.width);
    this.velocities = room(this.tokens, 8 * Math.ceil(this.channels / 8));
    this.scores = room(all, 2 * this.headWidth + all + 1);
    this.sized = room(this.tokens, this.width);
    this.seen = room(this.tokens, this.width);
    this.vector = room(most, Math.max(this.width, 2 * FREQUENCIES));
    this.condition = room(most, this.width);
  }

  _read(weights) {
    const linear = (...names) => weights.linear(...names);
    this.places = weights.vector("pos_embed.pos_embed");
    this.patch = linear("pos_embed.proj");
    this.context = linear("context_embedder");
    this.time = [linear("time_text_embed.timestep_embedder.linear_1"), linear("time_text_embed.timestep_embedder.linear_2")];
    this.pooled = [linear("time_text_embed.text_embedder.linear_1"), linear("time_text_embed.text_embedder.linear_2")];
    const modulated = (name) => {
      const layer = linear(name);
      return { ...layer, out: this.arena.place(this.most * layer.n) };
    };
    this.layers = Array.from({ length: this.blocks }, (_, i) => {
      const block = `transformer_blocks.${i}`;
      const attention = `${block}.attn`;
      const last = i === this.blocks - 1; // after which the words are no longer needed
      return {
        image: {
          modulation: modulated(`${block}.norm1.linear`),
          qkv: linear(`${attention}.to_q`, `${attention}.to_k`, `${attention}.to_v`),
          norms: [weights.vector(`${attention}.norm_q.weight`), weights.vector(`${attention}.norm_k.weight`)],
          out: linear(`${attention}.to_out.0`),
          mlp: [linear(`${block}.ff.net.0.proj`), linear(`${block}.ff.net.2`)],
        },
        text: {
          modulation: modulated(`${block}.norm1_context.linear`),
          qkv: linear(`${attention}.add_q_proj`, `${attention}.add_k_proj`, `${attention}.add_v_proj`),
          norms: [weights.vector(`${attention}.norm_added_q.weight`), weights.vector(`${attention}.norm_added_k.weight`)],
          out: last ? null : linear(`${attention}.to_add_out`),
          mlp: last ? null : [linear(`${block}.ff_context.net.0.proj`), linear(`${block}.ff_context.net.2`)],
        },
      };
    });
    this.last = modulated("norm_out.linear");
    this.project = linear("proj_out");
  }

  _linear(x, { w, bias, n, k }, rows, out) {
    this.arena.kernels.matmul(x, k, 1, 0, w, bias, out, n, rows, n, k);
  }

  // What the noise levels and the prompt say to every norm and gate of a run, for all its steps at once.
  // states [words, D], pooled [D]: of the prompt; sigmas [T]: 1 is nothing but noise.
  begin({ states, pooled }, sigmas) {
    const { f32, kernels } = this.arena;
    const steps = sigmas.length;
    if (steps > this.most) throw new Error(`${steps} steps: expected at most ${this.most}`);
    f32.set(states, this.hidden);
    this._linear(this.hidden, this.context, this.words, this.embedded);
    sigmas.forEach((sigma, i) => {
      const time = Math.fround(Math.fround(sigma) * 1000);
      const rate = Math.fround(-Math.log(10000));
      for (let j = 0; j < FREQUENCIES; j++) {
        const frequency = Math.fround(Math.exp(Math.fround(rate * j) / FREQUENCIES));
        const angle = Math.fround(time * frequency);
        f32[this.vector + i * 2 * FREQUENCIES + j] = Math.cos(angle);
        f32[this.vector + i * 2 * FREQUENCIES + FREQUENCIES + j] = Math.sin(angle);
      }
    });
    this._linear(this.vector, this.time[0], steps, this.hidden);
    kernels.silu(this.hidden, steps * this.width);
    this._linear(this.hidden, this.time[1], steps, this.condition);
    f32.set(pooled, this.vector);
    this._linear(this.vector, this.pooled[0], 1, this.hidden);
    kernels.silu(this.hidden, this.width);
    this._linear(this.hidden, this.pooled[1], 1, this.vector);
    for (let i = 0; i < steps * this.width; i++) f32[this.condition + i] += f32[this.vector + (i % this.width)];
    kernels.silu(this.condition, steps * this.width);
    const modulated = [this.last, ...this.layers.flatMap(({ image, text }) => [image.modulation, text.modulation])];
    for (const layer of modulated) this._linear(this.condition, layer, steps, layer.out);
  }

  // The model's velocity, noise minus picture, for latents [channels, tokens] at a step of the run: a new Float32Array.
  //
  // edits.after(block, tokens): the hidden state [tokens, width] on its way to the next block, which it may change.
  // edits.reads(block): whether what is read of that block's output is edited, and then edits.read(block, norm, sized,
  // values): two copies of what the norm reads; it divides by the size of the one and hands on the values of the other.
  // norm: "attention" or "mlp" of the following block, or "last".
  velocity(latents, step, edits) {
    const { arena, tokens, channels, width } = this;
    const { f32 } = arena;
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < tokens; i++) f32[this.latents + i * channels + c] = latents[c * tokens + i];
    }
    this._linear(this.latents, this.patch, tokens, this.image);
    for (let i = 0; i < tokens * width; i++) f32[this.image + i] += f32[this.places + i];
    f32.copyWithin(this.text, this.embedded, this.embedded + this.words * width);
    this.layers.forEach((layer, block) => {
      this._block(layer, block, step, edits);
      edits.after(block, arena.view(this.image, tokens * width));
    });
    const scale = this.last.out + step * this.last.n; // here, and for the words of the last block, scale comes first
    this._norm(this.image, this.blocks - 1, "last", scale, scale + width, edits);
    this._linear(this.normed, this.project, tokens, this.velocities);
    const out = new Float32Array(channels * tokens);
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < tokens; i++) out[c * tokens + i] = f32[this.velocities + i * this.project.n + c];
    }
    return out;
  }

  // |mean over the picture's tokens| of each channel of the hidden state as it is now: a view.
  levels() {
    this.arena.kernels.levels(this.image, this.update, this.tokens, this.width);
    return this.arena.view(this.update, this.width);
  }

  _block({ image, text }, block, step, edits) {
    const { kernels } = this.arena;
    const { tokens, words, width } = this;
    const all = tokens + words;
    const after = tokens * width; // where the words' rows begin, behind the picture's
    const six = (layer) => Array.from({ length: 6 }, (_, i) => layer.out + step * layer.n + i * width);
    const [shift1, scale1, gate1, shift2, scale2, gate2] = six(image.modulation);
    const own = six(text.modulation);
    const [textShift, textScale] = text.mlp ? own : [own[1], own[0]];

    this._norm(this.image, block - 1, "attention", scale1, shift1, edits);
    kernels.layerNorm(this.text, this.text, textScale, textShift, this.normed + after, words, width, EPSILON);
    this._linear(this.normed, image.qkv, tokens, this.qkv);
    this._linear(this.normed + after, text.qkv, words, this.qkv + 3 * after);
    for (const i of [0, 1]) {
      const from = this.qkv + i * width;
      kernels.rmsNorm(from, 3 * width, image.norms[i], tokens, this.heads, this.headWidth, EPSILON);
      kernels.rmsNorm(from + 3 * after, 3 * width, text.norms[i], words, this.heads, this.headWidth, EPSILON);
    }
    kernels.attention(this.qkv, this.attended, this.scores, this.zeros, all, this.heads, this.headWidth);
    this._linear(this.attended, image.out, tokens, this.update);
    kernels.addGated(this.image, this.update, gate1, tokens, width);
    this._norm(this.image, block - 1, "mlp", scale2, shift2, edits);
    this._mlp(this.normed, image.mlp, tokens);
    kernels.addGated(this.image, this.update, gate2, tokens, width);
    if (!text.mlp) return;

    this._linear(this.attended + after, text.out, words, this.update);
    kernels.addGated(this.text, this.update, own[2], words, width);
    kernels.layerNorm(this.text, this.text, own[4], own[3], this.normed, words, width, EPSILON);
    this._mlp(this.normed, text.mlp, words);
    kernels.addGated(this.text, this.update, own[5], words, width);
  }

  _mlp(x, [first, second], rows) {
    this._linear(x, first, rows, this.hidden);
    this.arena.kernels.gelu(this.hidden, rows * first.n);
    this._linear(this.hidden, second, rows, this.update);
  }

  // The picture's tokens through a layer norm, which reads what the block before wrote.
  _norm(x, before, norm, scale, shift, edits) {
    const { arena, tokens, width } = this;
    const count = tokens * width;
    let [sized, values] = [x, x];
    if (before >= 0 && edits.reads(before)) {
      [sized, values] = [this.sized, this.seen];
      arena.f32.copyWithin(sized, x, x + count);
      arena.f32.copyWithin(values, x, x + count);
      edits.read(before, norm, arena.view(sized, count), arena.view(values, count));
    }
    arena.kernels.layerNorm(sized, values, scale, shift, this.normed, tokens, width, EPSILON);
  }
}
