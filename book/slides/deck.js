// What a deck does by itself: makes what is too tall fit, leads its links into the site beside it, starts reveal.js.
(() => {
  "use strict";
  const SMALLEST = 0.7; // of a size; a test holds that no slide needs less
  const READABLE = 1.1; // of an explorer's size on a page
  const WIDTHS = [1168, 1080, 1000, 920, 840, 760, 680, 600, 520, 460];

  // Text, code and tables are set smaller until they fit.
  const overflows = (body) => body.scrollHeight > body.clientHeight + 1 || body.scrollWidth > body.clientWidth + 1;
  function fit(body) {
    for (let size = 1; size >= SMALLEST; size -= 0.05) {
      body.style.setProperty("--size", size);
      if (!overflows(body)) return;
    }
  }

  // A slide is wider than it is high: what is turned and what is read stand beside a flipbook's pictures.
  function setBeside(widget) {
    const found = (selector) => [...widget.querySelectorAll(`:scope > :is(${selector})`)];
    const pictures = found(".fc-tilerow, .fc-skyline");
    if (!pictures.length) return;
    const halves = [found(".fc-axes, .fc-cell-caption, .fc-lines, .fc-onward, .fc-foot"), pictures].map((nodes) => {
      const half = document.createElement("div");
      half.append(...nodes);
      return half;
    });
    const both = document.createElement("div");
    both.className = "beside";
    both.append(...halves);
    widget.append(both);
  }

  // An explorer's type keeps its size while its pictures follow its width: as large as can be read, then as wide as fits.
  function fitWidget(widget, body) {
    let best = { fit: 0 };
    widget.style.zoom = 1;
    for (const width of WIDTHS) {
      widget.style.width = `${width}px`;
      const zoom = Math.min(body.clientWidth / width, (body.clientHeight - 4) / widget.offsetHeight);
      const fit = 1e6 * Math.min(zoom, READABLE) + zoom * width;
      if (fit > best.fit) best = { fit, zoom, width };
    }
    widget.style.width = `${best.width}px`;
    widget.style.zoom = Math.floor(1000 * best.zoom) / 1000;
  }

  // Where the deck lies in the site's folder, a link stays there, also without a network.
  if (/\/slides\/[^/]+$/.test(location.pathname)) {
    for (const link of document.querySelectorAll("a[data-beside]")) link.href = link.dataset.beside;
  }
  for (const link of document.querySelectorAll(".slides a[href]")) link.target = "_blank";

  // A key that moves a slider is not one that turns the page.
  for (const widget of document.querySelectorAll(".fc-widget")) {
    widget.setAttribute("data-prevent-swipe", "");
    widget.addEventListener("keydown", (event) => event.stopPropagation());
  }

  const shown = window.Reveal.initialize({
    width: 1280,
    height: 720,
    margin: 0,
    minScale: 0.1,
    maxScale: 4,
    center: false,
    display: "grid",
    hash: true,
    transition: "none",
    controlsTutorial: false,
    viewDistance: 100, // all of them are laid out, so that all can be measured
    mobileViewDistance: 100,
    scrollActivationWidth: null,
    plugins: [window.RevealNotes],
  });
  Promise.all([shown, document.fonts.ready]).then(() => {
    for (const body of document.querySelectorAll(".body")) {
      const widget = body.querySelector(".fc-widget");
      // an explorer comes later than its page, and may grow when it is used
      if (widget)
        new ResizeObserver(() => {
          setBeside(widget);
          fitWidget(widget, body);
        }).observe(widget);
      else fit(body);
    }
    document.documentElement.dataset.fitted = "";
  });
})();
