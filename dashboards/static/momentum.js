// What a mark of a chart says, beside the pointer. Pages work the same without it: each chart has
// its words and its numbers.
"use strict";

const note = document.createElement("div");
note.className = "note";
note.hidden = true;
note.setAttribute("aria-hidden", "true");
document.body.append(note);

const place = (event) => {
  const room = note.getBoundingClientRect();
  const left = Math.min(event.clientX + 14, window.innerWidth - room.width - 8);
  const below = event.clientY + 18;
  const fits = below + room.height < window.innerHeight;
  note.style.left = `${Math.max(8, left)}px`;
  note.style.top = `${fits ? below : event.clientY - room.height - 12}px`;
};

document.addEventListener("pointerover", (event) => {
  const mark = event.target.closest(".chart [role=graphics-symbol][aria-label]");
  const said = mark && !mark.closest(".role-axis, .role-legend") && mark.getAttribute("aria-label");
  note.hidden = !said;
  if (said) {
    note.textContent = said;
    place(event);
  }
});
document.addEventListener("pointermove", (event) => note.hidden || place(event));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    note.hidden = true;
    document.querySelectorAll("details.menu[open]").forEach((menu) => menu.removeAttribute("open"));
  }
});
document.addEventListener("click", (event) => {
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.removeAttribute("open");
  });
});
