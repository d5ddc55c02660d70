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

  // A table is copied as a spreadsheet reads it: numbers alone in their cells, stars in a column of their own, and what
  // stands below a coefficient in a row of its own. A number in brackets would be pasted as a negative one.
  const isShown = (element) => element.getClientRects().length > 0;
  const textOf = (element) => element.innerText.replace(/\s+/g, " ").trim();
  const isNumber = (text) => /^-?\d+(\.\d+)?$/.test(text);
  const harmless = (text) => (!isNumber(text) && /^[=+\-@]/.test(text) ? `'${text}` : text);
  const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  // What a cell of the page holds: its words or number, its stars, and below them texts by their line.
  function contentOf(cell, names) {
    const number = cell.querySelector(".number");
    if (!number) return { text: textOf(cell), stars: "", below: new Map() };
    const below = new Map();
    for (const line of [...cell.querySelectorAll(".t")].filter(isShown)) {
      below.set(names[Number(line.dataset.line)], textOf(line.querySelector(".digits") || line));
    }
    for (const line of [...cell.querySelectorAll(".published")].filter(isShown)) {
      const [first, ...others] = textOf(line).split(" ");
      below.set(first, others.join(" "));
    }
    const stars = [...number.querySelectorAll("sup")].filter(isShown).map(textOf).join("");
    return { text: textOf(number.querySelector(".digits")), stars, below };
  }

  // Rows of cells {text, span} of the part of a table that is selected.
  function sheetOf(table, selection) {
    const names = (language() === "en" ? table.dataset.linesEn : table.dataset.linesZh).split("|");
    const rows = [...table.rows].filter(isShown).map((row) => {
      let column = 0;
      return [...row.cells].map((cell) => {
        const place = { column, span: cell.colSpan, cell };
        column += cell.colSpan;
        return place;
      });
    });
    const chosen = rows
      .map((row) => row.filter(({ cell }) => selection.containsNode(cell, true)))
      .filter((row) => row.length)
      .map((row) => row.map((place) => ({ ...place, ...contentOf(place.cell, names) })));
    const single = chosen.flat().filter(({ span }) => span === 1);
    const columns = [...new Set(single.map(({ column }) => column))].sort((a, b) => a - b);
    const starred = new Set(single.filter(({ stars }) => stars).map(({ column }) => column));
    const line = (row, value) =>
      columns.flatMap((column) => {
        const place = row.find((one) => one.column <= column && column < one.column + one.span);
        const own = place && (place.column === column || column === columns.find((c) => c >= place.column));
        const [text, stars] = own ? value(place, column) : ["", ""];
        return starred.has(column) ? [text, stars] : [text];
      });
    return chosen.flatMap((row) => {
      const below = [...new Set(row.flatMap(({ below: lines }) => [...lines.keys()]))];
      return [
        line(row, ({ text, stars }) => [text, stars]),
        ...below.map((name) =>
          line(row, (place, column) => [column === 0 ? name : place.below.get(name) || "", ""]),
        ),
      ];
    });
  }

  document.addEventListener("copy", (event) => {
    const selection = document.getSelection();
    if (!selection.rangeCount) return;
    const inside = (node) => (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement).closest("table.paper");
    const table = inside(selection.anchorNode);
    if (!table || inside(selection.focusNode) !== table) return;
    const sheet = sheetOf(table, selection).map((row) => row.map(harmless));
    if (sheet.length < 2 && sheet[0].length < 2) return;
    const cells = (row) =>
      row.map((text) => (isNumber(text) ? `<td>${text}</td>` : `<td style='mso-number-format:"\\@"'>${escaped(text)}</td>`));
    event.clipboardData.setData("text/plain", sheet.map((row) => row.join("\t")).join("\n"));
    event.clipboardData.setData(
      "text/html",
      `<table>${sheet.map((row) => `<tr>${cells(row).join("")}</tr>`).join("")}</table>`,
    );
    event.preventDefault();
  });
  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", () => {
      const selection = document.getSelection();
      selection.selectAllChildren(button.parentElement.previousElementSibling.querySelector("table"));
      const done = document.execCommand("copy");
      selection.removeAllRanges();
      button.nextElementSibling.hidden = !done;
      button.focus();
    });
  }
  document.documentElement.classList.add("scripted");

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
