// What the entries share: `render({ model, el, host })`, as anywidget calls it and as the static page's loader does.

import { el } from "./dom.js";
import { fromHash } from "./link.js";
import { linkButton } from "./link_button.js";
import { phrase } from "./phrases.js";
import { createStore } from "./store.js";

function addStyle(place) {
  const home = place.getRootNode();
  const into = home === document || !home.querySelector ? document.head : home;
  if (!into.querySelector("style[data-fc-style]")) into.append(el("style", { "data-fc-style": true }, STYLE));
}

// The state in the model (live kernel) and in the store follow each other, without an echo.
function follow(model, kind, data, store) {
  let sent = JSON.stringify(store.get());
  let timer;
  const push = (state) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      sent = JSON.stringify(state);
      model.set("state", state);
      model.save_changes();
    }, 150);
  };
  const pull = () => {
    const next = kind.state(data, { ...store.get(), ...model.get("state") });
    if (JSON.stringify(next) !== sent) store.set(next);
  };
  const leave = store.subscribe(push);
  model.on("change:state", pull);
  return () => {
    clearTimeout(timer);
    leave();
    model.off("change:state", pull);
  };
}

// kinds: by name what a widget is: open(header, blob, model) -> data, state(data, given), build(root, data, store, host).
export function rendererOf(kinds) {
  return (given) => renderKind(kinds, given);
}

async function renderKind(kinds, { model, el: place, host }) {
  const root = place.classList.contains("fc-widget") ? place : place.appendChild(el("div.fc-widget", { role: "group" }));
  const header = model.get("data");
  try {
    const kind = kinds[model.get("kind")];
    if (!kind) throw new Error(phrase("widget.unknown", { kind: model.get("kind") }));
    const data = await kind.open(header, model.get("blob"), model);
    const linked = host === "page" ? fromHash(data.key, location.hash) : null;
    const store = createStore(kind.state(data, linked || model.get("state")));
    addStyle(root);
    root.setAttribute("aria-label", data.label);
    root.replaceChildren();
    if (data.title && !kind.own) root.append(el("p.fc-head", {}, data.title));
    const page = kind.build(root, data, store, host);
    const foot = el("div.fc-foot", {}, el("p", {}, page.note));
    const linkable = host === "page" && !kind.own;
    if (linkable) foot.append(linkButton(data.key, store));
    if (page.note || linkable) root.append(foot);
    store.subscribe(page.show);
    page.show(store.get());
    const unfollow = follow(model, kind, data, store);
    root.setAttribute("data-fc-ready", "");
    if (linked) root.scrollIntoView({ block: "start" });
    const onhash = () => {
      const next = fromHash(data.key, location.hash);
      if (!next) return;
      store.set(kind.state(data, next));
      root.scrollIntoView({ block: "start" });
    };
    // a link to the view that stands in the address already changes no address
    const onlink = (event) => {
      const link = event.target.closest?.("a[href*='#fc=']");
      if (link && link.href === location.href) onhash();
    };
    if (host === "page") {
      addEventListener("hashchange", onhash);
      addEventListener("click", onlink);
    }
    return () => {
      removeEventListener("hashchange", onhash);
      removeEventListener("click", onlink);
      unfollow();
      page.stop();
    };
  } catch (error) {
    root.replaceChildren(el("p", { "data-fc-error": true }, phrase("widget.failed", { why: error.message })));
    throw error;
  }
}
