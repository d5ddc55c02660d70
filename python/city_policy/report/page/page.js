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
          actions: false,
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
