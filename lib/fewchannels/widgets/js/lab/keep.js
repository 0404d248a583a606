// What leaves the lab: lines of Python, the address, pictures, the channel set, the run.

import { download } from "../download.js";
import { toHash } from "../link.js";
import { phrase } from "../phrases.js";
import { pythonLines } from "./python.js";
import { labRun } from "./saves.js";
import { channelSetJson, channelsOf } from "./sets.js";
import { sheetOf } from "./sheet.js";
import { told } from "./state.js";

// session(): null before the start; views: of the stage; say(text): a short message; python: the box that shows the lines
export function keeping({ data, store, session, views, say, python, page }) {
  const lines = () => pythonLines(store.get(), channelsOf(data.known, store.get()), { shape: data.shape, calibration: data.calibration });
  const finished = () => session()?.lanes.untouched?.done;
  async function copied(text, said) {
    try {
      await navigator.clipboard.writeText(text);
      say(said);
    } catch {
      say(phrase("lab.copy.failed"));
      python.open = true;
    }
  }
  // An address that somebody has just gone to is read first: it is not overwritten with what was there before it.
  let written = page ? location.hash : "";
  const gone = () => (written = location.hash);
  if (page) addEventListener("hashchange", gone);
  function keepAddress() {
    if (!page || location.hash !== written) return;
    try {
      history.replaceState(history.state, "", toHash(data.key, told(store.get())));
      written = location.hash;
    } catch {
      // a page from the disk in a browser that keeps addresses fixed
    }
  }
  async function saved() {
    const state = store.get();
    const { engine, lanes: { untouched, edited } } = session();
    const both = edited?.done && !edited.moving && edited.steps === untouched.steps;
    const bytes = labRun({
      state,
      set: channelsOf(data.known, state),
      shape: data.shape,
      digest: engine.about.digest,
      version: data.version || "",
      date: new Date().toISOString().slice(0, 19),
      stats: await engine.ask("stats", { tag: "untouched" }),
      edited: both ? await engine.ask("stats", { tag: "edited" }) : null,
      pictures: { "": untouched.final, ...(both ? { edited: edited.final } : {}) },
      side: data.side,
      sigmas: Array.from({ length: state.steps }, (_, i) => Math.round(1e4 * (1 - i / state.steps)) / 1e4),
    });
    download(new Blob([bytes], { type: "application/octet-stream" }), "live-lab.safetensors");
    say(phrase("saved", { file: "live-lab.safetensors" }));
  }
  return {
    lines,
    keepAddress,
    stop: () => removeEventListener("hashchange", gone),
    copyPython() {
      python.open = true;
      copied(lines(), phrase("lab.copied"));
    },
    copyLink() {
      keepAddress();
      copied(location.href, phrase("lab.link.copied"));
    },
    savePictures() {
      if (!finished()) return;
      const { untouched, edited } = session().lanes;
      const pictures = Object.entries({ untouched, edited }).filter(([, lane]) => lane?.done);
      const words = (name) => views[name].node.querySelector("figcaption").textContent;
      sheetOf(pictures.map(([name, lane]) => ({ pixels: lane.final, text: words(name) })), store.get().prompt, data.side).then(
        (blob) => download(blob, "live-lab.png"),
        (error) => say(error.message),
      );
    },
    saveSet() {
      const set = channelsOf(data.known, store.get());
      if (!set.lists.some((list) => list.length)) {
        say(phrase("lab.unchosen"));
        return;
      }
      download(new Blob([`${JSON.stringify(channelSetJson(set, data.shape.width))}\n`], { type: "application/json" }), "channels.json");
      say(phrase("saved", { file: "channels.json" }));
    },
    async saveRun() {
      if (!finished()) return;
      try {
        await saved();
      } catch (error) {
        say(error.message);
      }
    },
  };
}
