// The button that puts a widget's state into the address and copies it.

import { el, setText } from "./dom.js";
import { toHash } from "./link.js";

const COPY = "Copy link to this view";

export function linkButton(key, store, classes = "fc-quiet") {
  const button = el(`button.fc-button.${classes}`, { type: "button" }, COPY);
  button.addEventListener("click", async () => {
    const hash = toHash(key, store.get());
    try {
      history.replaceState(history.state, "", hash);
      await navigator.clipboard.writeText(location.href);
      setText(button, "Link copied");
    } catch {
      setText(button, location.hash === hash ? "The link is in the address bar" : "This page cannot make links");
    }
    setTimeout(() => setText(button, COPY), 2500);
  });
  return button;
}
