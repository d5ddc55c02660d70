"use strict";
(() => {
  const data = JSON.parse(document.getElementById("figures-data").textContent);
  const byId = (id) => document.getElementById(id);
  const language = () => (byId("language-en").checked ? "en" : "zh");
  const darkGround = window.matchMedia("(prefers-color-scheme: dark)");
  const theme = () =>
    byId("theme-dark").checked || (!byId("theme-light").checked && darkGround.matches) ? "dark" : "light";

  // The outlines are in the page once; a specification names them.
  const filled = (part) => {
    if (Array.isArray(part)) return part.map(filled);
    if (part === null || typeof part !== "object") return part;
    if (part.outlines === true) return data.outlines;
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, filled(value)]));
  };

  const words = {
    zh: { CLICK_TO_VIEW_ACTIONS: "保存此图", SVG_ACTION: "存为 SVG", PNG_ACTION: "存为 PNG" },
    en: { CLICK_TO_VIEW_ACTIONS: "Save this chart", SVG_ACTION: "Save as SVG", PNG_ACTION: "Save as PNG" },
  };
  let drawing = 0;
  const views = [];
  async function draw() {
    const mine = ++drawing;
    document.documentElement.removeAttribute("data-drawn");
    views.splice(0).forEach((view) => view.finalize());
    for (const figure of document.querySelectorAll("figure[data-figure]")) {
      const specifications = data.figures[figure.dataset.figure][language()];
      const places = figure.querySelectorAll(".chart");
      figure.classList.add("drawn");
      for (let place = 0; place < places.length; place += 1) {
        const result = await window.vegaEmbed(places[place], filled(specifications[place]), {
          mode: "vega-lite",
          renderer: "svg",
          // What is saved has a ground of its own: it may be put on any other.
          actions: { export: { svg: true, png: true }, source: false, compiled: false, editor: false },
          downloadFileName: `${figure.dataset.figure}${places.length > 1 ? `-${place + 1}` : ""}`,
          scaleFactor: 3,
          i18n: words[language()],
          ast: true,
          config: data.themes[theme()],
          tooltip: { theme: theme() },
        });
        if (mine !== drawing) return result.view.finalize();
        views.push(result.view);
      }
    }
    document.documentElement.setAttribute("data-drawn", `${language()}-${theme()}`);
    return undefined;
  }

  function changed() {
    document.documentElement.lang = language() === "en" ? "en" : "zh-Hans";
    document.title = data.titles[language()];
    draw();
  }
  if (!(navigator.language || "zh").toLowerCase().startsWith("zh")) byId("language-en").checked = true;
  for (const input of document.querySelectorAll("input[name=language], input[name=theme]")) {
    input.addEventListener("change", changed);
  }
  darkGround.addEventListener("change", changed);
  changed();
})();
