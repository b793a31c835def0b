"use strict";
(() => {
  const filter = document.querySelector(".filter");
  if (!filter) return;
  const words = filter.querySelector("input");
  const buttons = [...filter.querySelectorAll("[data-choice]")];
  const found = filter.querySelector("output");
  const listings = [...document.querySelectorAll(".listing")].map((listing) => ({
    scroll: listing.querySelector(".scroll"),
    nothing: listing.querySelector(".nothing"),
    caption: listing.querySelector("caption").textContent.toLowerCase(),
    rows: [...listing.querySelectorAll("[data-row]")].map((row) => ({
      row, verdict: row.dataset.row, text: row.textContent.toLowerCase(),
    })),
  }));
  const all = listings.reduce((sum, listing) => sum + listing.rows.length, 0);

  const apply = () => {
    const asked = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = buttons.filter((one) => one.getAttribute("aria-pressed") === "true").map((one) => one.dataset.choice);
    let shown = 0;
    for (const { scroll, nothing, caption, rows } of listings) {
      let here = 0;
      for (const { row, verdict, text } of rows) {
        const fits = asked.every((word) => text.includes(word) || caption.includes(word))
          && (!chosen.length || !verdict || chosen.includes(verdict));
        row.hidden = !fits;
        here += fits;
      }
      scroll.hidden = nothing.hidden = false;
      if (here || !rows.length) nothing.hidden = true; else scroll.hidden = true;
      shown += here;
    }
    const rows = all === 1 ? "row" : "rows";
    found.textContent = shown === all ? `${all.toLocaleString("en")} ${rows}`
      : `${shown.toLocaleString("en")} of ${all.toLocaleString("en")} ${rows}`;
  };

  words.addEventListener("input", apply);
  words.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { words.value = ""; apply(); }
  });
  for (const button of buttons) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      apply();
    });
  }
  filter.hidden = false;
  apply();
})();
