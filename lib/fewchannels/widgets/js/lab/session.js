// What was asked of the engine, and what it has answered: lanes "untouched", "source", "edited" and "control", each with
// its latest run. Knows no page; `onchange(lane)` says that there is something new to see.

import { subjectMask } from "../masks.js";
import { QUICK, editsOf, needsMasks, plainGiven, sourceGiven, tokensOf } from "./request.js";
import { channelsOf, controlOf } from "./sets.js";
import { edits } from "./state.js";

export const MASK_SET = 8; // channels that say where the subject is, where an edit is kept to it

export class Session {
  // data: { shape, known }; engine: as startLab gives it
  constructor({ engine, data, onchange, onfail = () => {} }) {
    Object.assign(this, { engine, data, onchange, onfail });
    this.lanes = { untouched: null, source: null, edited: null, control: null };
    this.turn = 0;
    this.clean = null; // latents of the reader's own picture
    this.maskBlock = data.shape.blocks >> 1;
    this.side = Math.round(Math.sqrt(data.shape.tokens)); // the toy's own grid, which is square
    this.maskList = channelsOf(data.known, { set: "top", k: MASK_SET, draw: 1, hand: "" }).lists[this.maskBlock];
  }

  // Draws what a state asks for, and only what is not there yet; an older wish is dropped. -> whether it was the last.
  // moving: a slider is under way. Its quick picture is finished before the next one begins, else none ever were; what
  // the slider passed meanwhile is left out.
  async wish(state, { moving = false } = {}) {
    const { edited: quick } = this.lanes;
    if (moving && quick?.moving && quick.pending && !quick.done) {
      this.following = state;
      return false;
    }
    this.following = null;
    const turn = ++this.turn;
    const late = () => turn !== this.turn;
    const { shape, known } = this.data;
    const steps = moving ? Math.min(QUICK, state.steps) : state.steps;
    const { lists, missing } = channelsOf(known, state);
    const some = lists.some((list) => list.length);
    this.lists = lists;
    this.missing = missing;
    this.working = true;
    try {
      if (!moving) {
        this.engine.stop("control");
        this.lanes.control = null;
        const plain = this._draw("untouched", plainGiven(state), state);
        await plain;
        if (late()) return false;
      }
      const edited = edits(state) && some && !(state.mode === "picture" && !this.clean);
      if (!edited) {
        this.engine.stop("edited");
        this.lanes.edited = null;
        this.onchange("edited");
        if (state.mode === "edit") this._forgetSource();
        return true;
      }
      if (state.mode !== "edit") {
        await this._draw("source", sourceGiven(state, this.clean), state);
        if (late()) return false;
      } else this._forgetSource();
      const tokens = await this._tokens(state);
      if (late()) return false;
      this.tokens = tokens;
      const made = (own) => ({ ...plainGiven(state, steps), edits: editsOf(state, own, tokens, shape, steps, this.clean) });
      await this._draw("edited", made(lists), state, moving);
      if (late()) return false;
      if (moving) return this.following ? await this.wish(this.following, { moving }) : true;
      const others = controlOf(lists, shape.width, state.set === "random" ? state.draw : 0);
      if (others.some((list) => list.length)) await this._draw("control", made(others), state);
      return !late();
    } catch (error) {
      if (!late()) this.onfail(error);
      return false;
    } finally {
      if (!late()) {
        this.working = false;
        this.onchange("rest");
      }
    }
  }

  stop() {
    this.turn++;
    this.following = null;
    this.working = false;
    this.engine.stop();
    for (const name of Object.keys(this.lanes)) {
      const lane = this.lanes[name];
      if (lane && !lane.done) this.lanes[name] = lane.before?.done ? lane.before : null;
    }
    this.onchange("rest");
  }

  // Maps that come with each step, as pairs [block, channel]: those of the channel that is looked at, and those that the
  // masks are made of.
  watched(state) {
    const focus = this.focus(state);
    const seen = Array.from({ length: this.data.shape.blocks }, (_, block) => [block, focus]);
    const masking = new Set([...this.maskList, ...this.maskChannels()]);
    masking.delete(focus);
    return [...seen, ...this._masking([...masking])];
  }

  _masking(channels) {
    return channels.map((channel) => [this.maskBlock, channel]);
  }

  // The channels that the shown mask is made of: the chosen ones of its block, or where there are too many the largest.
  maskChannels() {
    const own = this.lists?.[this.maskBlock] || [];
    return own.length && own.length <= 32 ? own : this.maskList;
  }

  // The channel that is looked at: the chosen one, or the largest of the block.
  focus(state) {
    if (state.channel >= 0) return state.channel;
    const row = this.data.known.score[state.block];
    return row.reduce((best, value, c) => (value > row[best] ? c : best), 0);
  }

  async _draw(name, given, state, moving = false) {
    const key = JSON.stringify(given, (_, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value));
    const known = this.lanes[name];
    if (known?.key === key && (known.done || known.pending)) return known.pending;
    const lane = { key, given, steps: given.steps, step: -1, levels: [], maps: new Map(), done: false, moving, before: known?.done ? known : known?.before || null };
    this.lanes[name] = lane;
    const watched = name === "control" ? [] : this.watched(state);
    const { tokens } = this.data.shape;
    const onStep = ({ step, levels, maps, picture }) => {
      if (this.lanes[name] !== lane) return;
      lane.step = step;
      lane.levels[step] = levels;
      watched.forEach((pair, i) => {
        const key = pair.join();
        if (!lane.maps.has(key)) lane.maps.set(key, []);
        lane.maps.get(key)[step] = maps.subarray(i * tokens, (i + 1) * tokens);
      });
      if (picture) lane.picture = picture;
      this.onchange(name);
    };
    this.onchange(name);
    lane.pending = this.engine.draw(name, { ...given, tag: name }, { onStep, maps: watched, pictures: name !== "control" }).then(async (done) => {
      if (!done || this.lanes[name] !== lane) return;
      Object.assign(lane, { done: true, picture: done.picture, final: done.picture, latents: done.latents, change: done.change, ms: done.ms });
      lane.before = null;
      this.onchange(name);
      if (moving || name === "control") return;
      const reading = await this.engine.ask("read", { pixels: done.picture });
      if (this.lanes[name] !== lane) return;
      lane.reading = reading;
      this.onchange(name);
    });
    return lane.pending;
  }

  // Maps [block, channel] that were not watched while a lane was drawn.
  async fetch(name, pairs) {
    const lane = this.lanes[name];
    const wanted = pairs.filter((pair) => lane?.done && lane.maps.get(pair.join())?.length !== lane.steps);
    if (!wanted.length) return false;
    const { tokens } = this.data.shape;
    const values = await this.engine.ask("maps", { tag: name, maps: wanted });
    if (this.lanes[name] !== lane) return false;
    wanted.forEach((pair, i) => {
      const steps = Array.from({ length: lane.steps }, (_, step) => values.subarray((i * lane.steps + step) * tokens, (i * lane.steps + step + 1) * tokens));
      lane.maps.set(pair.join(), steps);
    });
    this.onchange(name);
    return true;
  }

  // One channel over the picture's tokens, or null where it has not come yet.
  map(name, step, block, channel) {
    return this.lanes[name]?.maps.get(`${block},${channel}`)?.[step] ?? null;
  }

  // The subject's mask from channels of the middle block, 0 and 1 a token; null where they have not come yet.
  mask(name, step, channels) {
    const maps = channels.map((channel) => this.map(name, step, this.maskBlock, channel));
    if (!maps.length || maps.includes(null)) return null;
    return subjectMask(maps, this.side, this.side)?.mask ?? null;
  }

  // Where nothing is carried over it is not looked at, and it takes 10 MB.
  _forgetSource() {
    if (!this.lanes.source) return;
    this.lanes.source = null;
    this.engine.ask("forget", { tag: "source" }).catch(() => {}); // the engine has stopped, which is said elsewhere
    this.onchange("source");
  }

  async _tokens(state) {
    const masks = { untouched: null, source: null };
    if (needsMasks(state)) {
      // an edit is kept to what the largest channels say; a transport to what the moved ones say, as fc.transport does
      const channels = state.mode === "edit" ? this.maskList : this.lists[this.maskBlock];
      for (const name of ["untouched", "source"]) {
        const lane = this.lanes[name];
        if (!lane?.done) continue;
        await this.fetch(name, this._masking(channels));
        masks[name] = this.mask(name, lane.steps - 1, channels);
      }
    }
    return tokensOf(state, masks, this.data.shape.tokens);
  }
}
