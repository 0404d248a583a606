// Latents to pictures and back: diffusers' AutoencoderTiny (after madebyollin's TAESD), convolutions of 3 x 3 pixels.
// Pictures lie with their channels last and a border of zeros, so that three pixels of a row are one stretch of memory.

export class Autoencoder {
  constructor(weights, config, arena, latentSide) {
    Object.assign(this, { arena, config, latentSide });
    this.side = latentSide * config.upsampling_scaling_factor ** (config.num_decoder_blocks.length - 1);
    this.latentChannels = config.latent_channels;
    this.planes = new Map();
    let layer = 0;
    const convolution = (part, i, inner = "") => weights.convolution(`${part}.layers.${i}${inner}`);
    const blocks = (part, count) =>
      Array.from({ length: count }, () => {
        const i = layer++;
        return [0, 2, 4].map((j) => convolution(part, i, `.conv.${j}`));
      });
    this.encoder = config.num_encoder_blocks.map((count) => ({
      enter: convolution("encoder", layer++),
      blocks: blocks("encoder", count),
    }));
    this.encoded = convolution("encoder", layer);
    layer = 2; // behind the first convolution and its ReLU
    this.first = convolution("decoder", 0);
    this.decoder = config.num_decoder_blocks.map((count, i) => {
      const own = blocks("decoder", count);
      if (i < config.num_decoder_blocks.length - 1) layer++; // a layer that only makes the picture larger
      return { blocks: own, leave: convolution("decoder", layer++) };
    });
  }

  // A picture of its own for each size and use.
  _plane(use, side, channels) {
    const key = `${use} ${side} ${channels}`;
    if (!this.planes.has(key)) {
      const count = (side + 2) ** 2 * channels;
      this.planes.set(key, { place: this.arena.place(count), count, side, channels });
    }
    return this.planes.get(key);
  }

  _convolve(from, layer, to, stride = 1) {
    const { side, channels } = from;
    for (let y = 0; y < to.side; y++) {
      const a = from.place + y * stride * (side + 2) * channels;
      const c = this._at(to, 0, y);
      const { w, bias, n, k } = layer;
      this.arena.kernels.matmul(a, stride * channels, 3, (side + 2) * channels, w, bias, c, to.channels, to.side, n, k);
    }
    return to;
  }

  _at({ place, side, channels }, x, y) {
    return place + ((y + 1) * (side + 2) + x + 1) * channels;
  }

  _blocks(x, blocks) {
    const { kernels } = this.arena;
    const [a, b] = ["a", "b"].map((use) => this._plane(use, x.side, x.channels));
    for (const [one, two, three] of blocks) {
      this._convolve(x, one, a);
      kernels.relu(a.place, a.count);
      this._convolve(a, two, b);
      kernels.relu(b.place, b.count);
      this._convolve(b, three, a);
      kernels.addRelu(x.place, a.place, x.count);
    }
    return x;
  }

  // Every pixel as four.
  _doubled(x) {
    const { f32 } = this.arena;
    const to = this._plane("large", 2 * x.side, x.channels);
    for (let row = 0; row < to.side; row++) {
      for (let column = 0; column < to.side; column++) {
        const from = this._at(x, column >> 1, row >> 1);
        f32.copyWithin(this._at(to, column, row), from, from + x.channels);
      }
    }
    return to;
  }

  // latents [channels, tokens] -> RGBA bytes [side, side, 4].
  decode(latents) {
    const { f32, kernels } = this.arena;
    const { latentSide, latentChannels, config } = this;
    const start = this._plane("latents", latentSide, latentChannels);
    for (let i = 0; i < latentSide ** 2; i++) {
      const at = this._at(start, i % latentSide, Math.floor(i / latentSide));
      for (let c = 0; c < latentChannels; c++) {
        const scaled = latents[c * latentSide ** 2 + i] / config.scaling_factor + config.shift_factor;
        f32[at + c] = Math.fround(Math.tanh(Math.fround(scaled) / 3)) * 3;
      }
    }
    let x = this._convolve(start, this.first, this._plane("x", latentSide, this.first.n));
    kernels.relu(x.place, x.count);
    this.decoder.forEach(({ blocks, leave }, i) => {
      x = this._blocks(x, blocks);
      if (i < this.decoder.length - 1) x = this._doubled(x);
      x = this._convolve(x, leave, this._plane("x", x.side, leave.n));
    });
    const picture = new Uint8ClampedArray(4 * x.side ** 2); // it rounds halves to even, as numpy.rint does
    for (let i = 0; i < x.side ** 2; i++) {
      const at = this._at(x, i % x.side, Math.floor(i / x.side));
      for (let c = 0; c < 3; c++) {
        const centred = Math.fround(Math.fround(2 * f32[at + c]) - 1);
        const light = Math.min(Math.max(Math.fround(centred / 2 + 0.5), 0), 1);
        picture[4 * i + c] = Math.fround(light * 255);
      }
      picture[4 * i + 3] = 255;
    }
    return picture;
  }

  // RGBA bytes [side, side, 4], on white where they are transparent -> latents [channels, tokens].
  encode(pixels) {
    const { f32 } = this.arena;
    const { side, latentSide, latentChannels, config } = this;
    if (pixels.length !== 4 * side ** 2) throw new Error(`a picture of ${pixels.length} bytes: expected ${side} x ${side} x 4`);
    let x = this._plane("pixels", side, 3);
    for (let i = 0; i < side ** 2; i++) {
      const at = this._at(x, i % side, Math.floor(i / side));
      const share = pixels[4 * i + 3] / 255;
      for (let c = 0; c < 3; c++) {
        const byte = Math.round(pixels[4 * i + c] * share + 255 * (1 - share));
        f32[at + c] = Math.fround(Math.fround(Math.fround(byte / 127.5) - 1) + 1) / 2;
      }
    }
    this.encoder.forEach(({ enter, blocks }, i) => {
      const stride = i ? 2 : 1;
      x = this._blocks(this._convolve(x, enter, this._plane("x", x.side / stride, enter.n), stride), blocks);
    });
    x = this._convolve(x, this.encoded, this._plane("latents", latentSide, this.encoded.n));
    const latents = new Float32Array(latentChannels * latentSide ** 2);
    for (let i = 0; i < latentSide ** 2; i++) {
      const at = this._at(x, i % latentSide, Math.floor(i / latentSide));
      for (let c = 0; c < latentChannels; c++) {
        latents[c * latentSide ** 2 + i] = (f32[at + c] - config.shift_factor) * config.scaling_factor;
      }
    }
    return latents;
  }
}
