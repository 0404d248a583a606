// The button that puts a widget's state into the address and copies it.

import { el, setText } from "./dom.js";
import { toHash } from "./link.js";
import { phrase } from "./phrases.js";

export function linkButton(key, store, classes = "fc-quiet") {
  const button = el(`button.fc-button.${classes}`, { type: "button" }, phrase("link.copy"));
  button.addEventListener("click", async () => {
    const hash = toHash(key, store.get());
    try {
      history.replaceState(history.state, "", hash);
      await navigator.clipboard.writeText(location.href);
      setText(button, phrase("link.copied"));
    } catch {
      setText(button, location.hash === hash ? phrase("link.address") : phrase("link.none"));
    }
    setTimeout(() => setText(button, phrase("link.copy")), 2500);
  });
  return button;
}
