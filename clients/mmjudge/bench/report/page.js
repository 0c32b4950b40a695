"use strict";
const pictures = JSON.parse(document.getElementById("pictures").textContent);
for (const image of document.querySelectorAll("img[data-picture]")) {
  image.src = pictures[Number(image.dataset.picture)];
}

for (const button of document.querySelectorAll(".frame button")) {
  button.addEventListener("click", () => {
    const veiled = button.parentElement.classList.toggle("veiled");
    button.textContent = veiled ? "Show" : "Blur";
    button.setAttribute("aria-expanded", String(!veiled));
  });
}

const form = document.querySelector("form");
if (form) {
  const cards = [...document.querySelectorAll(".card")];
  const count = document.getElementById("count");
  const chosen = () => [...new FormData(form)].filter(([, value]) => value);

  function show() {
    const wanted = chosen();
    let shown = 0;
    for (const card of cards) {
      card.hidden = !wanted.every(([name, value]) => name === "text"
        ? card.textContent.toLowerCase().includes(value.toLowerCase())
        : card.dataset[name] === value);
      shown += !card.hidden;
    }
    count.textContent = `${shown} of ${cards.length} shown`;
  }

  // The choice stands in the address, so that a link to it can be passed on.
  function remember() {
    const wanted = chosen();
    const address = wanted.length ? "#show&" + new URLSearchParams(wanted) : "#failures";
    history.replaceState(null, "", address);
  }

  function recall() {
    if (!location.hash.startsWith("#show&")) return;
    for (const [name, value] of new URLSearchParams(location.hash.slice(6))) {
      if (form.elements[name]) form.elements[name].value = value;
    }
    document.getElementById("failures").scrollIntoView();
  }

  form.addEventListener("input", () => { show(); remember(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { show(); remember(); }));
  addEventListener("hashchange", () => { recall(); show(); });
  recall();
  show();
}
