// The committed weights as they are: 16 bit in safetensors, upcast to float32 and laid out as the kernels read them.

const TYPES = { F16: 2, F32: 4 };

export class Weights {
  // bytes: a safetensors file; arena: where to lay its tensors; name: what the file is called in an error
  constructor(bytes, arena, name) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const length = bytes.byteLength < 8 ? NaN : Number(view.getBigUint64(0, true));
    if (!(length <= bytes.byteLength - 8)) throw new Error(`${name} is no safetensors file, or was cut short`);
    this.header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    const data = bytes.subarray(8 + length);
    this.data = data.byteOffset % 2 ? data.slice() : data; // a copy begins where 16-bit numbers may lie
    this.arena = arena;
    this.name = name;
    const sizes = Object.values(this.header).map(({ shape = [] }) => shape.reduce((product, size) => product * size, 1));
    this.buffer = new Float32Array(Math.max(...sizes));
  }

  has(tensor) {
    return tensor in this.header;
  }

  shape(tensor) {
    return this._entry(tensor).shape;
  }

  _entry(tensor) {
    const entry = this.header[tensor];
    if (!entry) throw new Error(`${this.name} holds no ${tensor}: these weights are of another model`);
    if (!(entry.dtype in TYPES)) throw new Error(`${this.name}: ${tensor} is ${entry.dtype}; expected F16 or F32`);
    return entry;
  }

  // A tensor's values, float32.
  values(tensor) {
    return this._read(tensor).slice();
  }

  // The same until the next tensor is read: all are read into one buffer, or half a hundred megabytes lay about.
  _read(tensor) {
    const { dtype, data_offsets: [from, to] } = this._entry(tensor);
    if (to > this.data.byteLength) throw new Error(`${this.name} was cut short before ${tensor}`);
    const count = (to - from) / TYPES[dtype];
    const values = this.buffer.subarray(0, count);
    if (dtype === "F32") {
      new Uint8Array(values.buffer, 0, to - from).set(this.data.subarray(from, to));
      return values;
    }
    const halves = new Uint16Array(this.data.buffer, this.data.byteOffset + from, count);
    const table = floats();
    for (let i = 0; i < count; i++) values[i] = table[halves[i]];
    return values;
  }

  // The place of a vector.
  vector(tensor) {
    return this.arena.put(this._read(tensor));
  }

  // Linear layers of the same input as one, their outputs side by side: { w, bias, n, k }.
  linear(...layers) {
    const shapes = layers.map((layer) => this.shape(`${layer}.weight`));
    const k = shapes[0].slice(1).reduce((product, size) => product * size, 1);
    const rows = shapes.reduce((sum, [count]) => sum + count, 0);
    const n = Math.ceil(rows / 8) * 8;
    const bias = this.arena.place(n);
    const w = this.arena.place(n * k);
    let row = 0;
    shapes.forEach(([count], i) => {
      if (this.has(`${layers[i]}.bias`)) this.arena.f32.set(this._read(`${layers[i]}.bias`), bias + row);
      const values = this._read(`${layers[i]}.weight`);
      for (let from = 0; from < count * k; from += k) this._panel(w, row++, values.subarray(from, from + k));
    });
    return { w, bias, n, k };
  }

  // A 3 x 3 convolution: [out, in, row, column] as rows of [row, column, in], which lie together in a picture.
  convolution(layer) {
    const [outputs, inputs] = this.shape(`${layer}.weight`);
    const n = Math.ceil(outputs / 8) * 8;
    const bias = this.arena.place(n);
    if (this.has(`${layer}.bias`)) this.arena.f32.set(this._read(`${layer}.bias`), bias);
    const values = this._read(`${layer}.weight`);
    const w = this.arena.place(n * 9 * inputs);
    const row = new Float32Array(9 * inputs);
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < inputs; i++) {
        for (let tap = 0; tap < 9; tap++) row[tap * inputs + i] = values[(o * inputs + i) * 9 + tap];
      }
      this._panel(w, o, row);
    }
    return { w, bias, n, k: 3 * inputs };
  }

  // Output `row` into panels of eight outputs: [n / 8][k][8].
  _panel(w, row, values) {
    const { f32 } = this.arena;
    const from = w + (row & ~7) * values.length + (row & 7);
    for (let i = 0; i < values.length; i++) f32[from + 8 * i] = values[i];
  }
}

let table;

// The float32 value of every half.
function floats() {
  if (table) return table;
  table = new Float32Array(65536);
  for (let half = 0; half < 65536; half++) {
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    const size =
      exponent === 31 ? (fraction ? NaN : Infinity)
      : exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15)
      : (fraction / 1024) * 2 ** -14;
    table[half] = half & 0x8000 ? -size : size;
  }
  return table;
}
